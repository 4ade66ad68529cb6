/** What a dry run tells of machines that a site starts from another drive than they ask for. */

import { startedOtherwise } from '../../extensions/ovf-deployment/started-otherwise.js';
import type { Sites } from '../../src/iaas/sites.js';
import { readyPlan, envelope, item, system } from '../ovf/plan-support.js';

const FORMAT = 'http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized';
const plan = (order: string): ReturnType<typeof readyPlan> =>
  readyPlan(
    envelope(
      system('vm', {
        items:
          item({ id: '4', type: 17, resource: 'ovf:/disk/root' }) +
          item({ id: '5', type: 15, resource: 'ovf:/file/cd' }),
        sections: order,
      }),
      {
        references: '<File ovf:id="cd" ovf:href="cd.iso"/><File ovf:id="img" ovf:href="root.vmdk"/>',
        disks: `<Disk ovf:diskId="root" ovf:capacity="1" ovf:capacityAllocationUnits="byte * 2^30" ovf:fileRef="img" ovf:format="${FORMAT}"/>`,
      },
    ),
  );
const cdFirst = plan(
  '<vmw:BootOrderSection ovf:required="false" vmw:instanceId="5" vmw:type="cdrom"><Info/></vmw:BootOrderSection>',
);

function told(capabilities: object, of: typeof cdFirst): readonly string[] {
  const sites = { adapter: () => ({ capabilities: () => capabilities }) } as unknown as Sites;
  return startedOtherwise(sites, 'far', of).map(({ code, severity, message }) => `${severity} ${code}: ${message}`);
}

it('a machine that is to boot from a CD is told where the site makes its disk with it', () => {
  expect(told({ bootsFromImage: true }, cdFirst)).toEqual([
    expect.stringMatching(/^warning site\.boot-order: .*: vm$/) as string,
  ]);
});

it.each([
  ['the site attaches disks as it is told', { bootsFromImage: false }, cdFirst],
  ['the site deploys by itself', { bootsFromImage: true, appliances: true }, cdFirst],
  ['the disk comes first anyway', { bootsFromImage: true }, plan('')],
])('nothing is told where %s', (_, capabilities, of) => {
  expect(told(capabilities, of)).toEqual([]);
});
