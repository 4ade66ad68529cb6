/** Images: made, copied, changed and removed, each in its time. */

import { existsSync } from 'node:fs';
import { imageXml } from './bodies.js';
import { find, mustBeNew, newest, number, pool, text, type Handlers, type Stage } from './call.js';
import { checkGroup } from './quotas.js';
import { Template } from './template.js';
import { Refused } from './wire.js';
import { IMAGE_DATASTORE, type Image, type User, type World } from './world.js';

export function makeImage(
  { world, lives, imageMs }: Stage,
  user: User,
  name: string,
  more: Partial<Image>,
  template: Template,
  source = '',
): number {
  mustBeNew(world.images, user, name, 'IMAGE', 16384, 'Error allocating a new image. ');
  checkGroup(world, user, `DATASTORE/${IMAGE_DATASTORE}`, { IMAGES: 1, SIZE: more.sizeMb ?? 1024 });
  const image: Image = {
    ...world.thing(world.images, user, name, template),
    state: 4,
    type: 0,
    persistent: false,
    sizeMb: 1024,
    path: '',
    format: 'dummy_format',
    registered: world.now,
    ...more,
  };
  world.images.set(image.id, image);
  const arrived = (isRead: boolean, why = `cannot read ${source}`): void => {
    if (image.state !== 4) return;
    image.state = isRead ? 1 : 5;
    if (!isRead) image.template.set('ERROR', `Error copying image in the datastore: ${why}`);
    lives.tellImage(image);
  };
  const arrive = (): void => {
    if (world.copying) lives.after(imageMs, arrive);
    // The bytes are read as late as oned may come to it.
    else if (isRestricted(world, source)) arrived(false, `Not allowed to copy image from ${source}`);
    else if (source.startsWith('http')) void isServed(source).then(arrived);
    else arrived(source === '' || existsSync(source));
  };
  lives.after(imageMs, arrive);
  return image.id;
}

/** Which the driver that is recorded never looks at. */
function isRestricted({ datastores }: World, source: string): boolean {
  const template = datastores.get(IMAGE_DATASTORE)?.template;
  const safe = template?.get('SAFE_DIRS')?.split(' ') ?? [];
  return template?.get('DS_MAD') !== 'dummy' && source.startsWith('/') && !safe.some((each) => source.startsWith(each));
}

async function isServed(url: string): Promise<boolean> {
  const answer = await fetch(url).catch(() => undefined);
  await answer?.arrayBuffer().catch(() => undefined);
  return answer?.ok === true;
}

export function imageCalls(stage: Stage): Handlers {
  const { world, lives, imageMs } = stage;
  const imageOf = (user: User, id: number): Image => {
    const image = find(world.images, id, 'image');
    world.mustManage(user, image, 'IMAGE');
    return image;
  };

  return {
    'one.image.info': (_user, [id]) => imageXml(world, find(world.images, number(id), 'image')),
    'one.imagepool.info': () =>
      pool(
        'IMAGE_POOL',
        newest(world.images).map((image) => imageXml(world, image)),
      ),
    'one.image.allocate': (user, [templateText, datastore]) => {
      const template = Template.parse(text(templateText));
      world.mayCreate(user, 'IMAGE');
      const into = world.datastores.get(number(datastore));
      if (into?.type !== 0)
        throw new Refused(
          16384,
          'Error allocating a new image. New images can only be allocated in a files or image datastore.',
        );
      const name = template.get('NAME') ?? '';
      template.remove('NAME');
      const datablock = template.get('TYPE') === 'DATABLOCK';
      const size = Number(template.get('SIZE') ?? (template.get('PATH') === undefined ? Number.NaN : 1024));
      if (Number.isNaN(size))
        throw new Refused(8192, 'Cannot parse image SIZE: Wrong number or missing SIZE attribute.');
      if (size > into.freeMb) throw new Refused(2048, 'Not enough space in datastore');
      const persistent = template.get('PERSISTENT') === 'YES';
      const path = template.get('PATH') ?? '';
      return makeImage(
        stage,
        user,
        name,
        { type: datablock ? 2 : 0, persistent, sizeMb: size, path, format: template.get('FORMAT') ?? 'raw' },
        template,
        path,
      );
    },
    'one.image.clone': (user, [id, name]) => {
      const source = find(world.images, number(id), 'image');
      if (!world.mayUseImage(user, source))
        throw new Refused(512, `User [${user.id}] : Not authorized to perform USE IMAGE [${source.id}].`);
      world.mayCreate(user, 'IMAGE');
      if (source.state === 8)
        throw new Refused(16384, 'Error allocating a new image. Cannot clone image in state: USED');
      const { type, sizeMb, path, format } = source;
      const made = makeImage(
        stage,
        user,
        text(name),
        { type, sizeMb, path, format },
        source.template.only(() => true),
      );
      if (source.persistent && source.state === 1) {
        source.state = 6;
        lives.after(imageMs, () => {
          if (source.state === 6) source.state = 1;
        });
      }
      return made;
    },
    'one.image.persistent': (user, [id, on]) => {
      imageOf(user, number(id)).persistent = on === true;
      return number(id);
    },
    'one.image.enable': (user, [id, on]) => {
      const image = imageOf(user, number(id));
      image.state = on === true ? 1 : 3;
      lives.tellImage(image);
      return image.id;
    },
    'one.image.update': (user, [id, template]) => {
      imageOf(user, number(id)).template.merge(Template.parse(text(template)));
      return number(id);
    },
    'one.image.delete': (user, [id]) => {
      const image = imageOf(user, number(id));
      const uses = world.usesOf(image);
      if (uses > 0) throw new Refused(2048, `Cannot delete image. There are ${uses} VMs using it.`);
      if (image.state === 6) throw new Refused(2048, 'Cannot delete image. There are 1 active clone operations.');
      image.state = 7;
      image.name = '';
      const vanish = (): void => {
        if (world.copying) lives.after(imageMs, vanish);
        else world.images.delete(image.id);
      };
      lives.after(imageMs, vanish);
      return image.id;
    },
  };
}
