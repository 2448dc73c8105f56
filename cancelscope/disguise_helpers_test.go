package cancelscope_test

import (
	"bufio"
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"os"
	"os/exec"
)

// runCommand runs a command that does not end by itself, and calls running when it
// runs. The error is that of package os/exec.
func runCommand(ctx context.Context, running func()) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), childVariable+"=1")
	input, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	defer input.Close()
	output, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	bufio.NewReader(output).ReadString('\n')
	running()
	return cmd.Wait()
}

// A memoryDriver is a database driver without a database. It reports each rollback.
type memoryDriver struct{ rolledBack chan struct{} }

func openDatabase() (*sql.DB, memoryDriver) {
	d := memoryDriver{make(chan struct{}, 1)}
	return sql.OpenDB(d), d
}

func (d memoryDriver) Connect(context.Context) (driver.Conn, error) { return d, nil }
func (d memoryDriver) Driver() driver.Driver                        { return d }
func (d memoryDriver) Open(string) (driver.Conn, error)             { return d, nil }
func (d memoryDriver) Close() error                                 { return nil }
func (d memoryDriver) Begin() (driver.Tx, error)                    { return d, nil }
func (d memoryDriver) Prepare(string) (driver.Stmt, error)          { return d, nil }
func (d memoryDriver) NumInput() int                                { return 0 }
func (d memoryDriver) Exec([]driver.Value) (driver.Result, error)   { return driver.RowsAffected(1), nil }
func (d memoryDriver) Query([]driver.Value) (driver.Rows, error)    { return nil, driver.ErrSkip }
func (d memoryDriver) Commit() error                                { return nil }
func (d memoryDriver) Rollback() error                              { d.rolledBack <- struct{}{}; return nil }

// runTransaction begins a transaction, calls running, and commits when the context of
// the transaction is done and package database/sql has rolled it back.
func runTransaction(ctx context.Context, running func()) error {
	db, d := openDatabase()
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := tx.Exec("UPDATE"); err != nil {
		return err
	}
	running()
	<-d.rolledBack
	return tx.Commit()
}

// A statusError is like the errors of gRPC, which have a code and wrap nothing.
type statusError struct {
	code int
	text string
}

const statusCanceled = 1

func (e *statusError) Error() string {
	return fmt.Sprintf("rpc error: code = %d desc = %s", e.code, e.text)
}

// callRemotely waits for an answer that does not come.
func callRemotely(ctx context.Context, running func()) error {
	running()
	<-ctx.Done()
	return &statusError{statusCanceled, "context canceled"}
}
