# Kaskad for use with a real Kafka and a real ClickHouse: the embedded ClickHouse is not in the image.
#
# Two ways to the same image: docker build compiles the sources, and a release (--target release) takes what it compiled.

# Not the static image: the library that loads the embedded ClickHouse makes the program need glibc, although cgo is off.
# The image holds glibc, CA certificates and a user without rights; no shell.
FROM gcr.io/distroless/base-nossl-debian13:nonroot AS base
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/kaskad"]
CMD ["run"]

FROM base AS release
ARG TARGETPLATFORM
COPY $TARGETPLATFORM/bin/kaskad /kaskad

FROM node:22-bookworm-slim AS page
WORKDIR /web
COPY dashboards/web/package.json dashboards/web/package-lock.json dashboards/web/.npmrc ./
RUN npm ci --ignore-scripts
COPY dashboards/web .
RUN npm run build

FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=page /web/embedded/dist dashboards/web/embedded/dist
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /kaskad ./cmd/kaskad

FROM base
COPY --from=build /kaskad /kaskad
