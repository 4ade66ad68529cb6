/**
 * The commands of `vep` and their options. What a command does is loaded when it is called, so that the others start
 * without it.
 */

import { Command, InvalidArgumentError, Option } from 'commander';
import { TRANSLATION_FORMATS } from '../iaas/translation/formats.js';
import type { ConformanceOptions } from './commands/conformance.js';
import type { CredentialOptions } from './commands/credential.js';
import { EXIT_CODES, type ExitCode } from './exit-codes.js';
import { addUsers, addVo } from './program-tenants.js';
import { Session, type GlobalOptions } from './session.js';
import type { Terminal } from './terminal.js';

type Finish = (code: ExitCode) => void;
type Handler<Options> = (session: Session, args: readonly string[], options: Options) => Promise<ExitCode | void>;

export function createProgram(terminal: Terminal, finish: Finish): Command {
  const program = new Command('vep')
    .description('The Virtual Execution Platform: appliances (OVF) and their agreements (SLA) in a federated cloud')
    .option('--endpoint <url>', 'server to speak to (VEP_ENDPOINT)')
    .option('--token <token>', 'API token (VEP_TOKEN keeps it out of the list of processes)')
    .option('--vo <name>', 'act for this Virtual Organization (VEP_VO)')
    .option('--admin', 'act as the administrator of this machine')
    .option('--data-dir <folder>', 'where the server of this machine keeps its data (VEP_DATA_DIR, else ./vep-data)')
    .option('--cert <file>', 'client certificate, PEM')
    .option('--key <file>', 'its key, PEM')
    .option('--cacert <file>', 'authorities to trust, PEM')
    .option('--json', 'answer in JSON')
    .option('--quiet', 'no notes on the way')
    .option('--no-color', 'no colours (NO_COLOR)')
    .addOption(new Option('--debug', 'show where an error comes from').hideHelp())
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .showHelpAfterError('(vep --help lists commands and options)');
  addCommands(program, (handler) => async (...received: unknown[]) => {
    const command = received.at(-1) as Command;
    const options = command.optsWithGlobals<GlobalOptions>();
    const code = await handler(new Session(terminal, options), command.args, options as never);
    if (code !== undefined) finish(code);
  });
  settle(program, terminal);
  return program;
}

export type Calling = <Options>(handler: Handler<Options>) => (...received: unknown[]) => Promise<void>;

function addCommands(program: Command, calling: Calling): void {
  program
    .command('serve')
    .description('run a server')
    .option('--config <file>', 'configuration file (VEP_CONFIG)')
    .action(calling<{ config?: string }>(async (...all) => (await import('./commands/serve.js')).serve(...all)));

  deployOptions(program.command('deploy').description('deploy an appliance'))
    .option('--dry-run', 'show the plan and what is missing, deploy nothing')
    .option('--keep-on-failure', 'leave what could be made when the deployment fails')
    .option('--watch', 'follow it until it is active or has failed')
    .option('--timeout <seconds>', 'how long to follow it', positive)
    .action(calling<never>(async (...all) => (await import('./commands/deploy.js')).deploy(...all)));
  deployOptions(program.command('plan').description('show what would be deployed, and what is missing'))
    .option('--offline', 'plan here, without asking a server for its sites')
    .addOption(
      new Option('--format <format>', 'print the documents that such a site would be given').choices(
        TRANSLATION_FORMATS,
      ),
    )
    .action(calling<never>(async (...all) => (await import('./commands/plan.js')).plan(...all)));

  program
    .command('list')
    .description('list appliances, or the entities of another kind')
    .argument('[kind]', 'kind or mixin: its term, location or type identifier', 'appliance')
    .action(calling<never>(async (session, args) => (await import('./commands/list.js')).list(session, args)));
  program
    .command('show')
    .description('show an appliance with its machines, addresses, disks, networks and agreement')
    .argument('<appliance>', ENTITY)
    .action(calling<never>(async (session, args) => (await import('./commands/show.js')).show(session, args)));

  for (const [term, description] of ACTIONS) {
    following(program.command(term).description(description).argument('<appliance>', ENTITY)).action(
      calling<never>(async (...all) => (await import('./commands/act.js')).act(term, ...all)),
    );
  }
  following(
    program
      .command('scale')
      .description('change the number of instances of a machine')
      .argument('<appliance>', ENTITY)
      .argument('<machine>', 'ovf:id of the machine')
      .argument('<count>', 'how many there shall be'),
  ).action(calling<never>(async (...all) => (await import('./commands/act.js')).scale(...all)));
  program
    .command('credential')
    .description(
      'exchange your own credential for a site where an appliance is; it is typed, or read from standard input',
    )
    .argument('<appliance>', ENTITY)
    .argument('<site>', 'the site, as the appliance names it')
    .option('--file <file>', 'read it from there')
    .action(calling<CredentialOptions>(async (...all) => (await import('./commands/credential.js')).exchange(...all)));
  program
    .command('delete')
    .description('undeploy an appliance and remove it, or delete another entity')
    .argument('<appliance>', ENTITY)
    .action(calling<never>(async (session, args) => (await import('./commands/act.js')).remove(session, args)));

  program
    .command('validate')
    .description('check an OVF descriptor or package; needs no server')
    .argument('<file>', '.ovf or .ova')
    .option('--strict', 'take the standard at its word: deviations are errors')
    .option('--language <tag>', 'language of titles, labels and licences, such as de-AT')
    .option('--signer <files...>', 'certificates (PEM) of signers to trust, or of authorities that vouch for them')
    .addOption(
      new Option('--schema <edition>', 'ask only the XML Schema of OVF').choices(['1.0', '1.1', 'vmware', '2.0']),
    )
    .action(calling<never>(async (...all) => (await import('./commands/validate.js')).validate(...all)));
  addKeeping(program, calling);
}

/** Commands for whoever keeps a server. */
function addKeeping(program: Command, calling: Calling): void {
  const sites = program
    .command('sites')
    .description('the sites; alone: list them with their status and free capacity (administrators)')
    .action(calling<never>(async (session) => (await import('./commands/sites.js')).sites(session)));
  withoutServer(sites.command('check').description('say what keeps a site from being used, and what to do about it'))
    .argument('[site]', 'one of them; without it, all')
    .action(calling<never>(async (...all) => (await import('./commands/site-check.js')).checkSites(...all)));
  sites
    .command('add')
    .description('write a site into the configuration file, once it has been asked what is missing')
    .argument('<name>', 'what it is called from now on')
    .requiredOption('--type <type>', 'simulator, opennebula, occi, …')
    .option('--options <file>', 'YAML with options of that type of site')
    .option('--set <key=value...>', 'one option; key.below=value for one within another; the value is YAML')
    .option('--guest-url <url>', 'where its machines reach VEP')
    .option('--config <file>', 'configuration file to write to (VEP_CONFIG, or vep.yaml)')
    .option('--dry-run', 'check, and write nothing')
    .option('--force', 'write it although something is missing')
    .action(calling<never>(async (...all) => (await import('./commands/site-add.js')).addSite(...all)));
  withoutServer(sites.command('inventory').description('list hosts, networks and images of a site'))
    .argument('[site]', 'one of them; without it, all')
    .action(calling<never>(async (...all) => (await import('./commands/site-inventory.js')).inventory(...all)));
  sites
    .command('usage')
    .description('what a site has recorded of machines that ran, and where VEP shows otherwise (administrators)')
    .argument('<site>')
    .option('--since <time>', 'from then on, like 2026-11-01; without it, the last day')
    .option('--until <time>', 'until then; without it, now')
    .action(calling<never>(async (...all) => (await import('./commands/site-usage.js')).siteUsage(...all)));
  program
    .command('login')
    .description('keep a token for a server; it is typed, or read from standard input')
    .argument('[url]', 'the server, if it is not found otherwise')
    .option('--logout', 'forget the token instead')
    .action(calling<never>(async (...all) => (await import('./commands/login.js')).login(...all)));
  program
    .command('config')
    .description('the configuration')
    .command('check')
    .description('check a configuration file, or what the environment says')
    .argument('[file]', 'YAML (VEP_CONFIG)')
    .action(calling<never>(async (session, args) => (await import('./commands/config.js')).checkConfig(session, args)));
  program
    .command('doctor')
    .description('say what needs somebody, and what to do about it')
    .action(calling<never>(async (session) => (await import('./commands/doctor.js')).doctor(session)));
  program
    .command('retry')
    .description('let an operation that gave up try again (administrators)')
    .argument('<operation>', 'id, as `vep doctor` names it')
    .action(calling<never>(async (session, args) => (await import('./commands/doctor.js')).retry(session, args)));
  program
    .command('forget')
    .description('stop waiting for a site that is down to release something (administrators)')
    .argument('<id>', 'of an appliance or resource that is being undeployed or deleted')
    .action(calling<never>(async (session, args) => (await import('./commands/doctor.js')).forget(session, args)));

  program
    .command('conformance')
    .description('check any OCCI server against the standards, statement by statement')
    .argument('<endpoint>', 'URL below which its /-/ is')
    .addOption(
      new Option('--version <version>', 'version of OCCI to judge by; those that the server names when absent').choices(
        ['1.1', '1.2'],
      ),
    )
    .option('--only <ids>', 'ids of statements or beginnings of ids, separated by commas: C-041,C-1,I', list)
    .option(
      '--auth <credentials>',
      'none, basic:<name>:<password>, bearer:<token> or keystone:<token>; @<file> for a secret',
    )
    .option('--other-auth <credentials>', 'a second account, for what one must not see of another')
    .option('--provider-auth <credentials>', 'whoever may accept agreements, where the account may not')
    .addOption(new Option('--report <form>', 'form of the report').choices(['html', 'junit', 'json']))
    .option('--output <file>', 'where the report goes, in the place of standard output')
    .option('--destructive', 'also check what deletes or changes entities that were there before')
    .option('--timeout <seconds>', 'how long a state may take to be reached (60)', positive)
    .action(
      calling<ConformanceOptions>(async (...all) => (await import('./commands/conformance.js')).conformance(...all)),
    );
  addTrust(program, calling);
  addVo(program, calling);

  const token = program
    .command('token')
    .description("API tokens of local accounts, on the server's own machine (--admin)");
  inStore(token.command('create').description('make a token and show it, once'))
    .option('--account <name>', 'whose token', 'user')
    .option('--name <text>', 'what it is for')
    .option('--expires <days>', 'how long it is good', positive)
    .action(calling<never>(async (...all) => (await import('./commands/token.js')).createApiToken(...all)));
  inStore(token.command('list').description('list the tokens'))
    .option('--account <name>', 'of this account only')
    .action(calling<never>(async (...all) => (await import('./commands/token.js')).listApiTokens(...all)));
  inStore(token.command('revoke').description('revoke a token').argument('<id>', 'as the list shows it')).action(
    calling<never>(async (...all) => (await import('./commands/token.js')).revokeApiToken(...all)),
  );
  addUsers(program, calling, inStore);
  const admin = program.command('admin').description("the local accounts, on the server's own machine (--admin)");
  inStore(
    admin
      .command('reset')
      .description('make a new token for the local administrator, and revoke the one before')
      .argument('[account]', 'admin or user', 'admin'),
  ).action(calling<never>(async (...all) => (await import('./commands/token.js')).reset(...all)));

  program
    .command('completion')
    .description('write a completion script')
    .argument('<shell>', 'bash, zsh or fish')
    .action(
      calling<never>(async (session, args) =>
        (await import('./commands/completion.js')).completion(session, args, program),
      ),
    );
  program
    .command('exit-codes')
    .description('list the exit codes')
    .addHelpText('after', () => `\n${exitCodeTable()}`)
    .action(calling<never>(async (session) => (await import('./commands/exit-codes.js')).exitCodes(session)));
}

/** Who is trusted, and why somebody is let in or not. */
function addTrust(program: Command, calling: Calling): void {
  const trust = program.command('trust').description('the authorities and VOs that are trusted');
  inTrust(trust.command('list').description('list the authorities with their revocation lists, and the VOs')).action(
    calling<never>(async (...all) => (await import('./commands/trust.js')).listTrust(...all)),
  );
  inTrust(trust.command('check').description('say what ends, is missing or cannot be used'))
    .option('--at <date>', 'as it will be then (ISO 8601)')
    .action(calling<never>(async (...all) => (await import('./commands/trust.js')).checkTrust(...all)));
  trust
    .command('reload')
    .description('let the server read its trust directory at once (administrators)')
    .action(calling<never>(async (session) => (await import('./commands/trust.js')).reloadTrust(session)));
  const access = program.command('access').description('who may do what');
  addSessions(access, calling);
  program
    .command('image-lists')
    .description('the signed image lists that the server subscribes to, and what they offer (administrators)')
    .option('--refresh', 'let the server look at them first')
    .action(calling<never>(async (...all) => (await import('./commands/image-lists.js')).showImageLists(...all)));
  inTrust(
    access
      .command('check')
      .description('say step by step whether a certificate (--cert) is let in, and as whom; needs no server'),
  )
    .option('--vo <name>', 'acting for this VO, as with X-VEP-VO')
    .option('--at <date>', 'as it will be then (ISO 8601)')
    .action(calling<never>(async (...all) => (await import('./commands/access-check.js')).accessCheck(...all)));
}

/** Temporary access to applications. */
function addSessions(access: Command, calling: Calling): void {
  access
    .command('sessions')
    .description('list who has temporary access to which application')
    .argument('[appliance]', 'to this one only')
    .action(
      calling<never>(async (session, args) =>
        (await import('./commands/access-sessions.js')).listSessions(session, args),
      ),
    );
  access
    .command('delegate')
    .description('let somebody else at an appliance of yours for a while')
    .argument('<appliance>', ENTITY)
    .option(
      '--to <subject>',
      'whom, by the id that a session of theirs shows; absent: whoever redeems a one-time token',
    )
    .option('--verbs <verbs>', 'what they may: read, update, act, delete, reveal (read,act)')
    .option('--for <duration>', 'how long: 30m, 1h, 2d (1h)')
    .action(calling<never>(async (...all) => (await import('./commands/access-sessions.js')).delegate(...all)));
  access
    .command('redeem')
    .description('use a one-time token of a delegation')
    .argument('[token]', 'typed, or read from standard input, when absent')
    .action(
      calling<never>(async (session, args) => (await import('./commands/access-sessions.js')).redeem(session, args)),
    );
  for (const [term, description] of SESSION_TERMS) {
    const command = access.command(term).description(description).argument('<session>', 'id, as the list shows it');
    if (term === 'revoke') command.option('--reason <text>', 'for the subject to read');
    command.action(
      calling<never>(async (...all) => (await import('./commands/access-sessions.js')).actOnSession(term, ...all)),
    );
  }
}

const SESSION_TERMS = [
  ['end', 'give a delegation up'],
  ['revoke', 'take access away at once (a deployment: the federation and administrators)'],
  ['restore', 'give back what was revoked (the federation and administrators)'],
] as const;

function inTrust(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file of the server (VEP_CONFIG)')
    .option('--trust <folder>', 'judge by this trust directory instead')
    .option('--vomsdir <folder>', 'and by this vomsdir');
}

function inStore(command: Command): Command {
  return command.option('--config <file>', 'configuration file of the server (VEP_CONFIG)');
}

function withoutServer(command: Command): Command {
  return command.option('--config <file>', 'ask the sites of this configuration themselves, with no server between');
}

const ENTITY = 'id, URL or title';
const ACTIONS = [
  ['start', 'start all machines of an appliance, deploying it again if it is undeployed'],
  ['stop', 'stop all machines in reverse order'],
  ['suspend', 'suspend all machines'],
  ['restart', 'stop all machines and start them again'],
  ['undeploy', 'release everything an appliance holds and keep the appliance'],
] as const;

function deployOptions(command: Command): Command {
  const pairs = (value: string, before: readonly string[] = []): string[] => [...before, value];
  return command
    .argument('<package>', '.ovf or .ova file, or the URL of a descriptor')
    .option('--sla <file>', 'agreement to conclude')
    .option('--agreement <url>', 'agreement that is accepted already')
    .option('--inputs <file>', 'JSON: {properties, networks, eulas, sites, language, credentials}')
    .option('--property <key=value>', 'value of a property (repeatable)', pairs)
    .option('--network <name=target>', 'path of a network to use for one of the descriptor (repeatable)', pairs)
    .option('--configuration <id>', 'deployment option')
    .option('--accept-eulas', 'accept every licence of the package')
    .option('--language <tag>', 'language of titles, labels and licences, such as de-AT')
    .option('--site <names>', 'site to deploy on, or several with commas between')
    .option('--on <item=sites>', 'sites of one machine or collection (repeatable)', pairs)
    .option('--title <title>', 'title of the appliance');
}

function following(command: Command): Command {
  return command
    .option('--watch', 'follow it to its end')
    .option('--timeout <seconds>', 'how long to follow it', positive);
}

function list(text: string): string[] {
  return text.split(',').filter((each) => each !== '');
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('It is not a number greater than 0.');
}

function exitCodeTable(): string {
  return EXIT_CODES.map(([code, meaning]) => `${code}  ${meaning}\n`).join('');
}

/** Output and endings of commander, for this command and all below it. */
function settle(command: Command, terminal: Terminal): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => terminal.out.write(text),
    writeErr: (text) => terminal.err.write(text),
    getOutHelpWidth: () => terminal.out.columns,
    getErrHelpWidth: () => terminal.err.columns,
  });
  for (const child of command.commands) settle(child, terminal);
}
