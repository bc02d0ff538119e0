# The worker and every other command: docker run --rm IMAGE status. Nothing but what runs is in the last stage; it has no
# compiler, no development packages and no root. Debian, because the embedded PostgreSQL needs glibc.

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.mjs scripts/
COPY sandbox sandbox
COPY src src
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:22-bookworm-slim
ENV NODE_ENV=production DATA_DIR=/data
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY migrations migrations
# /data is for the embedded PostgreSQL: one volume for one container, and only without DATABASE_URL.
RUN ln -s /app/dist/src/main.js /usr/local/bin/stripe-blnk-sync && install --directory --owner=node --group=node /data
USER node
VOLUME /data
# The process handles SIGTERM itself and needs up to SHUTDOWN_GRACE for the posts in flight.
STOPSIGNAL SIGTERM
ENTRYPOINT ["stripe-blnk-sync"]
CMD ["worker"]
