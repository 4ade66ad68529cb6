/** Users and groups, the rules of what they may do, and the virtual data centres of what they see. */

import { groupInfoXml, groupXml, ruleXml, userXml } from './bodies.js';
import { find, newest, number, pool, text, type Handlers, type Stage } from './call.js';
import { Template } from './template.js';
import { Refused } from './wire.js';

export function tenantCalls({ world }: Stage): Handlers {
  return {
    'one.user.info': (user, [id]) => userXml(world, number(id) === -1 ? user : find(world.users, number(id), 'user')),
    'one.userpool.info': (user) => {
      world.mustAdmin(user, 'MANAGE USER');
      return pool(
        'USER_POOL',
        newest(world.users).map((each) => userXml(world, each)),
      );
    },
    'one.user.allocate': (user, [name, password, driver, groups]) => {
      world.mustAdmin(user, 'CREATE USER');
      return world.addUser(text(name), text(driver) || 'core', text(password), (groups as readonly number[]) ?? []);
    },
    'one.user.update': (user, [id, template]) => {
      world.mustAdmin(user, 'MANAGE USER');
      find(world.users, number(id), 'user').template.merge(Template.parse(text(template)));
      return number(id);
    },
    'one.grouppool.info': () =>
      pool(
        'GROUP_POOL',
        newest(world.groups).map((group) => groupXml(world, group)),
      ),
    'one.group.allocate': (user, [name]) => {
      world.mustAdmin(user, 'CREATE GROUP');
      return world.addGroup(text(name));
    },
    'one.acl.addrule': (user, [who, what, rights]) => {
      world.mustAdmin(user, 'MANAGE ACL');
      const [by, resource] = [BigInt(text(who)), BigInt(text(what))];
      if ((resource & 0xf00000000n) === 0n || resource >> 36n === 0n) {
        throw new Refused(
          8192,
          'Rule @100 /?? USE #0 is malformed: [resource] is missing one of the INDIVIDUAL, GROUP, CLUSTER or ALL bits; [resource] type is missing',
        );
      }
      if (world.old && (resource & 0x100000000000000n) !== 0n)
        throw new Refused(8192, 'Rule is malformed: [resource] type is missing');
      const same = [...world.rules.values()].find(
        (rule) => rule.user === by && rule.resource === resource && rule.rights === Number(text(rights)),
      );
      if (same) throw new Refused(8192, `Rule already exists`);
      const id = world.nextId(world.rules);
      world.rules.set(id, { id, user: by, resource, rights: Number(text(rights)) });
      return id;
    },
    'one.acl.delrule': (user, [id]) => {
      world.mustAdmin(user, 'MANAGE ACL');
      if (!world.rules.delete(number(id))) throw new Refused(8192, 'ACL rule does not exist');
      return number(id);
    },
    'one.acl.info': () => pool('ACL_POOL', [...world.rules.values()].map(ruleXml)),
    'one.vdcpool.info': () =>
      pool(
        'VDC_POOL',
        [...world.vdcs].map(
          ([id, { name, groups, hosts }]) =>
            `<VDC><ID>${id}</ID><NAME>${name}</NAME><GROUPS>${[...groups].map((group) => `<ID>${group}</ID>`).join('')}</GROUPS>` +
            `<CLUSTERS></CLUSTERS><HOSTS>${[...hosts].map((host) => `<HOST><ZONE_ID>0</ZONE_ID><HOST_ID>${host}</HOST_ID></HOST>`).join('')}</HOSTS>` +
            '<DATASTORES></DATASTORES><VNETS></VNETS><TEMPLATE></TEMPLATE></VDC>',
        ),
      ),
    'one.group.info': (_user, [id]) => groupInfoXml(world, find(world.groups, number(id), 'group')),
    'one.group.quota': (user, [id, template]) => {
      world.mustAdmin(user, 'ADMIN GROUP');
      const { quotas } = find(world.groups, number(id), 'group');
      const given = Template.parse(text(template));
      for (const vector of ['VM', 'DATASTORE'])
        for (const each of given.vectors(vector))
          for (const [name, value] of each)
            if (name !== 'ID') {
              const key = [vector, each.get('ID'), name].filter(Boolean).join('/');
              // What is as it is for everybody is dropped.
              if (Number(value) === -1) quotas.delete(key);
              else quotas.set(key, Number(value));
            }
      return number(id);
    },
    'one.vdc.allocate': (user, [template]) => {
      world.mustAdmin(user, 'CREATE VDC');
      const name = Template.parse(text(template)).get('NAME') ?? '';
      const taken = [...world.vdcs].find(([, vdc]) => vdc.name === name);
      if (taken) throw new Refused(8192, `NAME is already taken by VDC ${taken[0]}.`);
      const id = world.nextId(world.vdcs, 101);
      world.vdcs.set(id, { name, groups: new Set(), hosts: new Set() });
      return id;
    },
    'one.vdc.delete': (user, [id]) => {
      world.mustAdmin(user, 'ADMIN VDC');
      find(world.vdcs, number(id), 'VDC');
      world.vdcs.delete(number(id));
      return number(id);
    },
    'one.vdc.addhost': (user, [vdc, , host]) => {
      world.mustAdmin(user, 'ADMIN VDC');
      find(world.hosts, number(host), 'host');
      find(world.vdcs, number(vdc), 'VDC').hosts.add(number(host));
      return number(vdc);
    },
    'one.vdc.delhost': (user, [vdc, , host]) => {
      world.mustAdmin(user, 'ADMIN VDC');
      find(world.vdcs, number(vdc), 'VDC').hosts.delete(number(host));
      return number(vdc);
    },
    'one.vdc.addgroup': (user, [vdc, group]) => {
      world.mustAdmin(user, 'ADMIN VDC');
      find(world.vdcs, number(vdc), 'VDC').groups.add(number(group));
      return number(vdc);
    },
    'one.vdc.delgroup': (user, [vdc, group]) => {
      world.mustAdmin(user, 'ADMIN VDC');
      find(world.vdcs, number(vdc), 'VDC').groups.delete(number(group));
      return number(vdc);
    },
  };
}
