/** Agreements, monitoring, platform, compute templates, where they are offered (GFD.228, draft, GFD.227, GFD.222). */

import { statements } from './statement.js';

export const EXTENSIONS = statements(
  'Agreements, monitoring, platform, compute templates, where they are offered',
  `
C-240 1.2 MUST: Kind sla#agreement (parent core#resource) and sla#agreement_link (parent core#link) are discoverable (GFD.228 §3)
C-241 1.2 MUST: agreement exposes state, agreedAt, effectiveFrom, effectiveUntil (GFD.228 §3.1)
C-242 1.2 MUST: A new agreement is pending (GFD.228 §3.1 figure)
C-243 1.2 MUST: accept, reject, suspend, resume, terminate exist in scheme http://schemas.ogf.org/occi/sla# (GFD.228 §3.1)
C-244 1.2 MUST: accept leads pending to accepted, reject to rejected (GFD.228 §3.1)
C-245 1.2 MUST: suspend leads accepted to suspended, resume back to accepted, terminate to terminated (GFD.228 §3.1)
C-246 1.2 SHOULD: Transitions not in the diagram are refused (GFD.228 §3.1)
C-247 1.2 MUST: state and agreedAt are immutable; effectiveFrom and effectiveUntil mutable (GFD.228 §3.1)
C-248 1.2 MUST: Date-times are absolute ISO 8601; durations and intervals are refused (GFD.228 §3.1)
C-249 1.2 SHOULD: Provider templates depend on sla#agreement_tpl, provider terms on sla#agreement_term (GFD.228 §3.1.1, §3.1.2)
C-250 1.2 MUST: A term is undefined until assessed, then fulfilled or violated (GFD.228 §3.1.2)
C-251 1.2 MUST: One violated term makes the agreement violated (GFD.228 §3.1.2)
C-252 1.2 MUST: agreement_link joins an agreement (source) with any resource (GFD.228 §3.2)
C-253 both MUST: monitoring#sensor and #collector kinds and #metric, #aggregator, #publisher mixins exist together (monitoring draft §3)
C-254 both MUST: A collector whose source is not a sensor is refused (monitoring draft §3.2)
C-255 both SHOULD: A sensor with a window in the past or stop before start is refused (monitoring draft §3.1)
C-256 both SHOULD: Unmeetable period, granularity or accuracy are replaced by best-fit values, not refused (monitoring draft §3.1, §3.2)
C-257 both MUST: Deleting a sensor deletes its collectors (monitoring draft §3.6)
C-258 both MUST: platform#application and #component kinds exist with start/stop actions in their action schemes (GFD.227 §3.1, §3.2)
C-259 both MUST: CRTP small, medium, large templates exist with the given sizes (GFD.222 R0306-R0308)
C-260 both MUST: A compute never has more than one CRTP template (GFD.222 R0302)
C-261 both MUST: Applying a CRTP template sets cores, memory and ephemeral_storage.size (GFD.222 R0305)
C-262 both MUST: Responses of a CRTP-conformant server carry OCCI-CRTP/1.1 (or OCCI-CRTP-EP/1.1) in Server (GFD.222 R0401-R0405)
`,
);
