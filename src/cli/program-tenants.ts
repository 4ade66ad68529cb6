/** The commands of `vep` about whom a server serves: Virtual Organizations and local accounts. */

import type { Command } from 'commander';
import type { UserOptions } from './commands/user.js';
import type { VoOptions } from './commands/vo.js';
import type { Calling } from './program.js';

/** Virtual Organizations, for providers and for those who keep one. */
export function addVo(program: Command, calling: Calling): void {
  const load = () => import('./commands/vo.js');
  const vo = program.command('vo').description('Virtual Organizations: members, shares and what is set aside');
  vo.command('list')
    .description('list those that you may see')
    .action(calling<never>(async (session) => (await load()).listVos(session)));
  vo.command('show')
    .description('show what a VO may have, what is set aside and used, its members and shares')
    .argument('<vo>', 'its name')
    .action(calling<never>(async (session, args) => (await load()).showVo(session, args)));
  vo.command('audit')
    .description('show what was done in a VO, by whom and with what outcome (its administrators)')
    .argument('<vo>', 'its name')
    .option('--after <number>', 'only entries after this one')
    .action(calling<VoOptions>(async (...all) => (await load()).auditVo(...all)));
  limits(vo.command('add').description('serve a new VO (administrators)').argument('<vo>', 'its name'))
    .option('--account <text>', 'account that is billed')
    .action(calling<VoOptions>(async (...all) => (await load()).addVo(...all)));
  limits(vo.command('set').description('change what a VO may have (administrators)').argument('<vo>', 'its name'))
    .option('--account <text>', 'account that is billed')
    .action(calling<VoOptions>(async (...all) => (await load()).setVo(...all)));
  for (const [term, description] of VO_TERMS) {
    vo.command(term)
      .description(description)
      .argument('<vo>', 'its name')
      .action(calling<never>(async (session, args) => (await load()).moveVo(term, session, args)));
  }
  vo.command('member')
    .description('let somebody in, or give those with an FQAN or entitlement a role')
    .argument('<vo>', 'its name')
    .argument('<who>', 'local:alice, x509:…, oidc:…; or /vo/Role=x, urn:…')
    .option('--role <role>', 'member, viewer or administrator (member)')
    .option('--group <group>', 'group of the VO for which it counts: /vo/group')
    .option('--remove', 'take it back')
    .action(calling<VoOptions>(async (...all) => (await load()).member(...all)));
  limits(
    vo
      .command('quota')
      .description('say how much of the VO a group or a user may take')
      .argument('<vo>', 'its name')
      .option('--group <group>', 'group of the VO: /vo/group')
      .option('--user <id>', 'principal: local:alice'),
  )
    .option('--remove', 'take it back')
    .action(calling<VoOptions>(async (...all) => (await load()).quota(...all)));
  vo.command('provision')
    .description('set a host, network, storage or image aside (administrators)')
    .argument('<vo>', 'its name')
    .argument('<type>', 'host, network, storage or image')
    .argument('<reference>', 'name of the host; path of the network or storage; type identifier of the template')
    .option('--site <name>', 'site of the host')
    .option('--remove', 'take it back')
    .action(calling<VoOptions>(async (...all) => (await load()).provision(...all)));
}

const VO_TERMS = [
  ['suspend', 'let nothing new be taken (administrators)'],
  ['resume', 'let it be taken again (administrators)'],
  ['remove', 'serve a VO no more, to which nothing is charged (administrators)'],
] as const;

function limits(command: Command): Command {
  return command.option('--limit <resource=amount>', 'repeatable: cores=64, memory=256 (GiB)', collect, []);
}

/** Local accounts, on the server's own machine. */
export function addUsers(program: Command, calling: Calling, inStore: (command: Command) => Command): void {
  const load = () => import('./commands/user.js');
  const user = program.command('user').description("local accounts, on the server's own machine (--admin)");
  inStore(user.command('list').description('list the accounts')).action(
    calling<UserOptions>(async (...all) => (await load()).listUsers(...all)),
  );
  inStore(user.command('add').description('make an account').argument('<name>', 'its name'))
    .option('--role <role>', 'repeatable (user)', collect, [])
    .option('--group <name>', 'repeatable; the first is where new entities belong (the name)', collect, [])
    .option('--password', 'with a password, which is typed or read from standard input')
    .action(calling<UserOptions>(async (...all) => (await load()).addUser(...all)));
  inStore(user.command('register').description('give roles and groups to the holder of a certificate or token'))
    .argument('<id>', 'x509:<subject> issued by <issuer>, or oidc:<issuer> <subject>')
    .option('--role <role>', 'repeatable (user)', collect, [])
    .option('--group <name>', 'repeatable; the first is where new entities belong', collect, [])
    .action(calling<UserOptions>(async (...all) => (await load()).registerUser(...all)));
  inStore(user.command('set').description('change roles and groups').argument('<name>', 'its name, or id'))
    .option('--role <role>', 'repeatable', collect, [])
    .option('--group <name>', 'repeatable', collect, [])
    .action(calling<UserOptions>(async (...all) => (await load()).setUser(...all)));
  inStore(user.command('password').description('set a new password, typed or read from standard input'))
    .argument('<name>', 'its name')
    .action(calling<UserOptions>(async (...all) => (await load()).setPassword(...all)));
  for (const [term, description] of [
    ['disable', 'shut an account out, with its tokens'],
    ['enable', 'let it in again'],
  ] as const) {
    inStore(user.command(term).description(description).argument('<name>', 'its name, or id')).action(
      calling<UserOptions>(async (...all) => (await load()).moveUser(term, ...all)),
    );
  }
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
