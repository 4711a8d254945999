// Package keys holds the keys of the API and the sessions that browsers begin with them, as tables keep them.
//
// Its guarantees: a key is stored as its SHA-256 alone, and shown nowhere but where it was made; a key or session that
// was revoked stays so, whatever else is written about it.
package keys
