# syntax=docker/dockerfile:1
# Two stages: the first compiles the native modules and the sources, the second has only what runs.

FROM node:20-bookworm AS build
WORKDIR /opt/vep
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund --loglevel=error
COPY scripts/prepare.mjs scripts/
COPY tsconfig.json tsconfig.build.json ./
COPY occi-kinds occi-kinds
COPY src src
COPY extensions extensions
RUN node scripts/prepare.mjs && npm prune --omit=dev --no-audit --no-fund --loglevel=error

FROM node:20-bookworm-slim
ENV NODE_ENV=production VEP_DATA_DIR=/var/lib/vep
RUN apt-get update && apt-get install -y --no-install-recommends qemu-utils bubblewrap && rm -rf /var/lib/apt/lists/*
RUN install -d -o node -g node -m 0700 /var/lib/vep
WORKDIR /opt/vep
COPY LICENSE NOTICE package.json ./
COPY scripts/healthcheck.mjs scripts/
COPY occi-kinds occi-kinds
COPY ovf-schema ovf-schema
COPY extensions extensions
COPY --from=build /opt/vep/node_modules node_modules
COPY --from=build /opt/vep/dist dist
USER node
VOLUME /var/lib/vep
EXPOSE 8787
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["node", "scripts/healthcheck.mjs"]
STOPSIGNAL SIGTERM
CMD ["node", "dist/src/cli/main.js", "serve"]
