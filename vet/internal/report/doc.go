// Package report stands between the analyzers and their reports: it drops reports in
// generated files, and reports that the author of the code has answered in a comment.
//
// The comment is on the line of the report, or alone on the line above:
//
//	go watch() //trellisvet:ignore baregoroutine it ends with the process
//
// It names one analyzer, or several with commas, and gives a reason. A comment without
// a reason ignores nothing, and is reported itself.
//
// Reports in tests of the packages of Trellis itself are dropped as well: they misuse these
// packages on purpose.
package report
