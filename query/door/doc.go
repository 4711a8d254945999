// Package door lets requests in: it knows keys and sessions, what each may do, and how much of it at a time. It is a
// room too, of the routes about keys, sessions and the audit.
//
// Its guarantees: a route is used by who its Access lets in, and by nobody else; a key that was revoked opens nothing
// after five seconds, whichever server revoked it; unknown, expired and revoked keys are told alike; what a key is
// stands in no log, address or error; whole recipients are shown after the audit has noted who asked.
package door
