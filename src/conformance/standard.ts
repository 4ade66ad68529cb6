/**
 * Which names the texts of OGF define (GFD.183, .184, .221, .222, .224, .227, .228, the monitoring draft), so that what
 * a provider has put into their name spaces stands out. `securitygroup`, `ipreservation` and the base mixins for zones and
 * regions are in no such text, but several providers and their clients have agreed on them there.
 */

const OGF = 'http://schemas.ogf.org/occi/';

const CATEGORIES: readonly RegExp[] = [
  /^core#(entity|resource|link|action)$/,
  /^infrastructure#(compute|network|storage|networkinterface|storagelink|os_tpl|resource_tpl)$/,
  /^infrastructure\/(compute|network|storage|networkinterface|storagelink)\/action#[a-z]+$/,
  /^infrastructure\/network#ipnetwork$/,
  /^infrastructure\/networkinterface#ipnetworkinterface$/,
  /^infrastructure\/credentials#ssh_key$/,
  /^infrastructure\/compute#user_data$/,
  /^infrastructure\/compute\/template\/1\.[01]#(mem_)?(small|medium|large)$/,
  /^sla#(agreement|agreement_link|agreement_tpl|agreement_term|accept|reject|suspend|resume|terminate)$/,
  /^monitoring#(sensor|collector|metric|aggregator|publisher)$/,
  /^platform#(application|component|componentlink|app_tpl|res_tpl|database|databaselink)$/,
  /^platform\/(application|component)\/action#(start|stop)$/,
  // Agreed on in the field.
  /^infrastructure#(securitygroup|securitygrouplink|ipreservation|availability_zone|region)$/,
  /^infrastructure\/ipreservation\/action#(up|down)$/,
];

const STATE = '(state(\\.message)?)';
const ATTRIBUTES = new RegExp(
  `^occi\\.(${[
    'core\\.(id|title|summary|source(\\.kind)?|target(\\.kind)?)',
    `compute\\.(architecture|cores|hostname|speed|share|memory|userdata|ephemeral_storage\\.(size|deviceid)|${STATE})`,
    `network\\.(vlan|label|address|gateway|allocation|${STATE})`,
    `storage\\.(size|${STATE})`,
    `networkinterface\\.(interface|mac|address|gateway|allocation|${STATE})`,
    `storagelink\\.(deviceid|mountpoint|${STATE})`,
    'credentials\\.ssh\\.publickey',
    '(agreement|sensor|collector|app|component|database)\\..*',
    `securitygroup\\.(rules|${STATE})`,
    `securitygrouplink\\.${STATE}`,
    `ipreservation\\.(address|used|${STATE})`,
  ].join('|')})$`,
);

/** False only for what is below OGF's base URL without being of OGF. */
export function isStandardCategory(id: string): boolean {
  if (!id.startsWith(OGF)) return true;
  const rest = id.slice(OGF.length);
  return CATEGORIES.some((each) => each.test(rest));
}

/** False only for what begins with `occi.` without being of OGF. */
export function isStandardAttribute(name: string): boolean {
  return !name.startsWith('occi.') || ATTRIBUTES.test(name);
}
