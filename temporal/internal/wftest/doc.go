// Package wftest runs functions as workflows in the SDK's test environment, for the tests and
// examples of this module.
package wftest
