// Package taskpage tests the page of package tasktree in a real browser. It is in this
// module because the root module requires no browser driver.
package taskpage
