/**
 * A guest of 230 bytes that goes the way of every operating system: from 16 bits to 32, through page tables to 64 bits, with
 * returns from interrupts and a register of SSE2 on the way, and ends QEMU by `isa-debug-exit` with a code of its own. It
 * fits into a boot sector (loaded at 0x7c00); each line is machine code with what it does.
 */

const CODE = [
  // 16 bits: no interrupts, flat segments, a stack below the code; the table of segments; protected mode
  'fa 31c0 8ed8 8ec0 8ed0 bc007c', // cli; xor ax,ax; mov ds,ax; mov es,ax; mov ss,ax; mov sp,0x7c00
  '0f0116e07c 0f20c0 0c01 0f22c0 ea1e7c0800', // lgdt [0x7ce0]; mov eax,cr0; or al,1; mov cr0,eax; jmp 8:0x7c1e
  // 32 bits: segments, and on by a return from an interrupt
  '66b81000 8ed8 8ec0 8ed0', // mov ax,0x10; mov ds,ax; mov es,ax; mov ss,ax
  '9c 6a08 68317c0000 cf', // pushf; push 8; push 0x7c31; iret
  // page tables at 0x1000 to 0x3fff: the first 2 MiB are where they are
  'fc bf00100000 31c0 b9000c0000 f3ab', // cld; mov edi,0x1000; xor eax,eax; mov ecx,0xc00; rep stosd
  'c7050010000003200000', // mov dword [0x1000],0x2003
  'c7050020000003300000', // mov dword [0x2000],0x3003
  'c7050030000083000000', // mov dword [0x3000],0x83
  // 64 bits: the tables, PAE and SSE, long mode, paging
  'b800100000 0f22d8', // mov eax,0x1000; mov cr3,eax
  '0f20e0 0d20020000 0f22e0', // mov eax,cr4; or eax,0x220; mov cr4,eax
  'b9800000c0 0f32 0d00010000 0f30', // mov ecx,0xc0000080; rdmsr; or eax,0x100; wrmsr
  '0f20c0 0d00000080 0f22c0 ea917c00001800', // mov eax,cr0; or eax,0x80000000; mov cr0,eax; jmp 0x18:0x7c91
  '66b81000 8ed0', // mov ax,0x10; mov ss,ax
  'b810000000 66480f6ec0 66480f7ec3', // mov eax,0x10; movq xmm0,rax; movq rbx,xmm0
  '6a10 68007c0000 9c 6a18 68b77c0000 48cf', // push 0x10; push 0x7c00; pushf; push 0x18; push 0x7cb7; iretq
  // the end: what went through the register, at the port of isa-debug-exit
  '89d8 e6f4 f4', // mov eax,ebx; out 0xf4,al; hlt
  '0f1f4000', // nop
  // the table of segments at 0x7cc0, and where it is: none, 32-bit code, data, 64-bit code
  '0000000000000000 ffff0000009acf00 ffff00000092cf00 ffff0000009aaf00',
  '1f00 c07c0000',
];

/** The port of `isa-debug-exit` that the guest writes to. */
export const EXIT_PORT = '0xf4';
/** What QEMU ends with when 0x10 has been written there: 2 × 0x10 + 1. */
export const EXIT_CODE = 33;

export function bootSector(): Buffer {
  const sector = Buffer.alloc(512);
  sector.set(Buffer.from(CODE.join('').replaceAll(' ', ''), 'hex'));
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}
