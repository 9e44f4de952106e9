#!/bin/sh
exec /opt/openclaw/node/bin/node /var/lib/openclaw/resolver.mjs
