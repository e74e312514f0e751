# Caddy with segment_pixel, in an image that holds nothing else:
#
#	docker build -t caddy-segment-pixel .
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
RUN go install github.com/caddyserver/xcaddy/cmd/xcaddy@v0.4.5
COPY . .
ARG VERSION=v0.0.0
ARG TARGETOS
ARG TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH xcaddy build v2.11.9 --output /caddy --with github.com/segmentpixel/caddy-segment-pixel@${VERSION}=.
# What Caddy writes belongs to the user that it runs as.
RUN mkdir -p /state/data /state/config

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /caddy /usr/bin/caddy
COPY --from=build --chown=nonroot:nonroot /state/data /data
COPY --from=build --chown=nonroot:nonroot /state/config /config
COPY examples/docker/Caddyfile /etc/caddy/Caddyfile
# The spool is below /data: without a volume there, events that wait for NATS go with the
# container.
ENV XDG_DATA_HOME=/data XDG_CONFIG_HOME=/config
VOLUME ["/data"]
EXPOSE 8080 2019
# Alive, rather than ready: a Caddy whose NATS is away still takes events.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/usr/bin/caddy", "segment-pixel", "health"]
ENTRYPOINT ["/usr/bin/caddy"]
CMD ["run", "--config", "/etc/caddy/Caddyfile"]
