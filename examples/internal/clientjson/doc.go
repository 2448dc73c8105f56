// Package clientjson reads JSON from clients, and says in a sentence what is wrong with
// it: the errors of encoding/json are about Go types, which a client does not know.
package clientjson
