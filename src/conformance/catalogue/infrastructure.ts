/** Infrastructure (GFD.184, GFD.224). */

import { statements } from './statement.js';

export const INFRASTRUCTURE = statements(
  'Infrastructure',
  `
C-044 both MUST: compute defines architecture, cores, hostname, memory, state (1.1 also speed; 1.2 also share, state.message) (GFD.184, GFD.224 §3.1)
C-045 1.2 MUST: compute does not define occi.compute.speed (GFD.224 changelog)
C-046 both MUST: compute actions start, stop, restart, suspend exist in scheme infrastructure/compute/action# (GFD.184, GFD.224 §3.1)
C-047 1.2 MUST: compute action save exists with parameters method and name (GFD.224 §3.1)
C-048 both MUST: stop, restart, suspend (1.2: save) declare the parameter method (GFD.184, GFD.224 §3.1)
C-049 both MUST: A new compute is in state inactive (or has been started by the provider and is then active); state is always one of the enum values (GFD.184, GFD.224 §3.1 figure)
C-050 both MUST: start on an inactive compute leads to active (GFD.184, GFD.224 §3.1)
C-051 both MUST: stop on an active compute leads to inactive, for each method graceful, acpioff, poweroff (GFD.184, GFD.224 §3.1)
C-052 both MUST: suspend on an active compute leads to suspended, for each method hibernate, suspend (GFD.184, GFD.224 §3.1)
C-053 both MUST: start on a suspended compute leads to active (GFD.184, GFD.224 §3.1)
C-054 both MUST: restart on an active compute ends in active, for each method graceful, warm, cold (GFD.184, GFD.224 §3.1)
C-055 1.2 MUST: A failed start/stop/suspend leads to state error (GFD.224 §3.1 figure)
C-056 1.2 MUST: save returns the rendering of a new mixin that depends on os_tpl and is then discoverable (GFD.224 §3.1)
C-057 both SHOULD: Only currently applicable actions are rendered on an entity (GFD.185 §3.4.4)
C-058 both MUST: network defines vlan, label, state (1.2 + state.message) and actions up, down in infrastructure/network/action# (GFD.184, GFD.224 §3.2)
C-059 both MUST: occi.network.vlan outside 0-4095 is refused (GFD.184, GFD.224 §3.2)
C-060 both MUST: up leads a network to active, down to inactive (GFD.184, GFD.224 §3.2)
C-061 both MUST: Mixin infrastructure/network#ipnetwork exists with address, gateway, allocation (GFD.184, GFD.224 §3.2.1)
C-062 1.2 MUST: ipnetwork applies only to infrastructure#network (GFD.224 §3.2.1)
C-063 both MUST: storage defines size, state (1.2 + state.message); size is required at creation (GFD.184, GFD.224 §3.3)
C-064 both MUST: storage actions online, offline exist in infrastructure/storage/action# (GFD.184, GFD.224 §3.3)
C-065 1.1 MUST: storage actions backup, snapshot, resize(size) exist (GFD.184 §3.3)
C-066 1.2 MUST: storage actions backup, snapshot, resize are not offered; size change is done by update (GFD.224 changelog)
C-067 both MUST: online leads a storage to online, offline to offline (GFD.184, GFD.224 §3.3)
C-068 both MUST: networkinterface defines interface(immutable), mac, state (1.2 + state.message) (GFD.184, GFD.224 §3.4.1)
C-069 both MUST: Mixin infrastructure/networkinterface#ipnetworkinterface exists with address, gateway, allocation (GFD.184, GFD.224 §3.4.1)
C-070 1.2 MUST: ipnetworkinterface applies only to infrastructure#networkinterface (GFD.224 §3.4.1)
C-071 both MUST: storagelink defines deviceid, mountpoint, state (1.2 + state.message) (GFD.184, GFD.224 §3.4.2)
C-072 both MUST: Every instance exposes its state attribute (GFD.184, GFD.224 tables, mult. 1)
C-073 both SHOULD: OS templates are offered; each is a mixin related to infrastructure#os_tpl, and os_tpl itself is discoverable (GFD.184, GFD.224 §3.5.1)
C-074 both MUST: Each offered resource template is a mixin related to infrastructure#resource_tpl, and resource_tpl itself is discoverable (GFD.184, GFD.224 §3.5.2)
C-075 1.1 MUST: A resource template's attributes list is empty in discovery (GFD.184 §3.5.2)
C-076 1.2 SHOULD: A resource template lists its size attributes and defaults (GFD.224 §3.5.2)
C-077 1.2 MUST: Creating a compute with a resource template yields the template's sizes, also over client-supplied sizes (GFD.224 §3.5.2)
C-078 1.2 MUST: Associating another resource template removes the old one and changes the instance (GFD.224 §3.5.2)
C-079 1.2 MUST: Associating another OS template either replaces the old one or returns an error; never both stay (GFD.224 §3.5.1)
C-080 1.2 SHOULD: ssh_key mixin exists, applies to compute, attribute occi.credentials.ssh.publickey (GFD.224 §3.5)
C-081 1.2 SHOULD: user_data mixin exists, applies to compute, attribute occi.compute.userdata (GFD.224 §3.5)
C-082 1.2 MUST: occi.compute.userdata cannot be updated after creation (GFD.224 §3.5)
C-083 1.2 MUST: ssh_key and user_data are refused on non-compute entities (GFD.224 §3.5)
`,
);
