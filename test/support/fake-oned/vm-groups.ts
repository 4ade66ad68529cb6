/** VM groups: roles of machines that are kept apart or together. */

import { vmGroupXml } from './bodies.js';
import { find, mustBeNew, newest, number, pool, text, type Handlers, type Stage } from './call.js';
import { Template } from './template.js';
import { Refused } from './wire.js';

export function vmGroupCalls({ world }: Stage): Handlers {
  return {
    'one.vmgrouppool.info': () =>
      pool(
        'VM_GROUP_POOL',
        newest(world.vmGroups).map((group) => vmGroupXml(world, group)),
      ),
    'one.vmgroup.allocate': (user, [templateText]) => {
      const template = Template.parse(text(templateText));
      world.mayCreate(user, 'VMGROUP');
      const roles = template.vectors('ROLE');
      for (const policy of ['AFFINED', 'ANTI_AFFINED']) {
        const named = template.get(policy) ?? '';
        const members = named.split(',').filter(Boolean);
        if (members.some((name) => !roles.some((role) => role.get('NAME') === name)))
          throw new Refused(8192, `Some roles used in ${policy} attribute (${named}) are not defined`);
      }
      const name = template.get('NAME') ?? '';
      mustBeNew(world.vmGroups, user, name, 'VMGROUP', 8192);
      const thing = world.thing(
        world.vmGroups,
        user,
        name,
        template.only((each) => !['NAME', 'ROLE'].includes(each)),
      );
      world.vmGroups.set(thing.id, { ...thing, roles });
      return thing.id;
    },
    'one.vmgroup.chmod': (user, [id, ...bits]) => {
      const group = find(world.vmGroups, number(id), 'VM group');
      world.mustManage(user, group, 'VMGROUP');
      if (bits[6] === 1) group.mode = { other: true };
      return group.id;
    },
    'one.vmgroup.delete': (user, [id]) => {
      world.mustManage(user, find(world.vmGroups, number(id), 'VM group'), 'VMGROUP');
      world.vmGroups.delete(number(id));
      return number(id);
    },
  };
}
