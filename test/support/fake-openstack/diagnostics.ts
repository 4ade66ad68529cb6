/** `GET /servers/{id}/diagnostics` from 2.48 on, as it was recorded of a hypervisor that only counts what a test tells it. */

import { fault, mayOnly, type Answer } from './answers.js';
import { momentOf, type Server, type World } from './world.js';

export function showDiagnostics({ counters }: World, server: Server, admin: boolean): Answer {
  mayOnly(admin, 'os_compute_api:os-server-diagnostics');
  const { power, vm } = momentOf(server);
  if (power !== 1 || vm === 'suspended')
    throw fault(409, `Cannot 'get_diagnostics' instance ${server.id} while it is in power state shutdown`);
  const { cpuNanoseconds, readBytes, writeBytes, receivedOctets, sentOctets } = counters;
  const body = {
    state: 'running',
    driver: 'libvirt',
    hypervisor: 'kvm',
    hypervisor_os: 'ubuntu',
    uptime: 46_664,
    config_drive: true,
    num_cpus: server.flavor.vcpus,
    num_nics: 1,
    num_disks: 1,
    disk_details: [
      {
        ...{ read_bytes: readBytes, read_requests: 112, write_bytes: writeBytes, write_requests: 488 },
        errors_count: 1,
      },
    ],
    cpu_details: [{ id: 0, time: cpuNanoseconds, utilisation: 15 }],
    nic_details: [
      {
        mac_address: '01:23:45:67:89:ab',
        ...{ rx_octets: receivedOctets, rx_errors: 100, rx_drop: 200, rx_packets: 26_701, rx_rate: 300 },
        ...{ tx_octets: sentOctets, tx_errors: 400, tx_drop: 500, tx_packets: 662, tx_rate: 600 },
      },
    ],
    memory_details: { maximum: 524_288, used: 0 },
  };
  return { status: 200, body };
}
