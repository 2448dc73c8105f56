// Package browsertest tests pages in a real browser.
package browsertest
