/** Disks that a BIOS boots, and that do one small thing each: what they write to the first serial port is on the machine's console. */

const SERIAL = [0xba, 0xf8, 0x03]; // mov dx, 0x3f8
const WRITE = 0xee; // out dx, al
const HALT = [0xfa, 0xf4, 0xeb, 0xfd]; // cli; hlt; jmp back to the hlt

/** A disk whose first sector, loaded at 0x7c00, is the code. */
function starting(...code: readonly number[]): Buffer {
  const disk = Buffer.alloc(2 ** 20);
  Buffer.from(code).copy(disk);
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}

/** Writes a text. */
export function saying(text: string): Buffer {
  const letters = [...text].flatMap((letter) => [0xb0, letter.charCodeAt(0), WRITE]); // mov al, letter
  return starting(...SERIAL, ...letters, ...HALT);
}

/** Counts on the disk itself how often it has been booted, and writes the number. */
export const COUNTING = starting(
  ...[0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0], // xor ax, ax; mov ds, ax; mov es, ax; mov ss, ax
  ...[0xbc, 0x00, 0x7c, 0xb6, 0x00], // mov sp, 0x7c00; mov dh, 0
  ...[0xbb, 0x00, 0x7e, 0xb9, 0x02, 0x00], // mov bx, 0x7e00; mov cx, 2: the second sector
  ...[0xb8, 0x01, 0x02, 0xcd, 0x13], // mov ax, 0x0201; int 0x13: read it
  ...[0xfe, 0x06, 0x00, 0x7e], // inc byte [0x7e00]
  ...[0xb9, 0x02, 0x00, 0xb8, 0x01, 0x03, 0xcd, 0x13], // mov cx, 2; mov ax, 0x0301; int 0x13: write it
  ...[0xa0, 0x00, 0x7e, 0x04, 0x30, ...SERIAL, WRITE], // mov al, [0x7e00]; add al, '0'
  ...[0xb0, 0x0a, WRITE, ...HALT],
);
