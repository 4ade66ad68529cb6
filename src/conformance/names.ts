/** Identifiers of the OGF standards that statements speak of. What a server offers of them is discovered, never assumed. */

export const CORE = 'http://schemas.ogf.org/occi/core#';
export const INFRA = 'http://schemas.ogf.org/occi/infrastructure#';
export const COMPUTE = `${INFRA}compute`;
export const NETWORK = `${INFRA}network`;
export const STORAGE = `${INFRA}storage`;
export const INTERFACE = `${INFRA}networkinterface`;
export const STORAGE_LINK = `${INFRA}storagelink`;
export const IP_NETWORK = 'http://schemas.ogf.org/occi/infrastructure/network#ipnetwork';
export const IP_INTERFACE = 'http://schemas.ogf.org/occi/infrastructure/networkinterface#ipnetworkinterface';
export const OS_TEMPLATE = `${INFRA}os_tpl`;
export const RESOURCE_TEMPLATE = `${INFRA}resource_tpl`;
export const SSH_KEY = 'http://schemas.ogf.org/occi/infrastructure/credentials#ssh_key';
export const USER_DATA = 'http://schemas.ogf.org/occi/infrastructure/compute#user_data';
export const SLA = 'http://schemas.ogf.org/occi/sla#';
export const MONITORING = 'http://schemas.ogf.org/occi/monitoring#';
export const PLATFORM = 'http://schemas.ogf.org/occi/platform#';

/** Compute templates of GFD.222, by the version of OCCI they are for. */
export const COMPUTE_TEMPLATES = /^http:\/\/schemas\.ogf\.org\/occi\/infrastructure\/compute\/template\/1\.[01]#/;

/** Type identifier of an action of an infrastructure kind. */
export const actionId = (noun: string, term: string): string =>
  `http://schemas.ogf.org/occi/infrastructure/${noun}/action#${term}`;

/** An id that no entity has. */
export const NOBODY = '00000000-0000-4000-8000-000000000000';
