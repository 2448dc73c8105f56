// Package tree is what the packages of this module know about each other's cancel
// scopes: the interface of a running scope, and how it is found in a workflow.Context.
package tree
