/** The image lists that are subscribed to, for administrators: how each stands, and looking at them again at once. */

import type { ImageListReport } from '../client/image-list-report.js';
import type { Endpoint } from './express-app.js';
import { requireAdministrator } from './health.js';

export interface ImageListService {
  report(): Promise<readonly ImageListReport[]>;
  refresh(signal: AbortSignal): Promise<void>;
}

export function imageListEndpoints(lists: ImageListService): Endpoint[] {
  return [
    {
      method: 'get',
      path: '/health/image-lists',
      handle: async (_request, response, principal) => {
        requireAdministrator(principal);
        response.json(await lists.report());
      },
    },
    {
      method: 'post',
      path: '/health/image-lists/refresh',
      handle: async (_request, response, principal) => {
        requireAdministrator(principal);
        await lists.refresh(AbortSignal.timeout(REFRESH_MS));
        response.json(await lists.report());
      },
    },
  ];
}

const REFRESH_MS = 120_000;
