package main

import (
	"bufio"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// child is a server of this program in another process.
type child struct {
	address string
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

// newChild starts a server, which has one processor: another one is for the requests.
func newChild(ctx context.Context, o order) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, program, serverArgument)
	command.Env = append(os.Environ(), "GOMAXPROCS=1")
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	c := &child{command: command, in: in, out: bufio.NewReader(out)}
	if err := json.MarshalWrite(in, o); err != nil {
		return nil, errors.Join(err, c.close())
	}
	if _, err := c.say(""); err != nil {
		return nil, errors.Join(fmt.Errorf("%s, %s: %w", o.Transport, o.Library, err), c.close())
	}
	return c, nil
}

// say tells the server something, and returns its answer.
func (c *child) say(word string) (answer, error) {
	var a answer
	if _, err := io.WriteString(c.in, word+"\n"); err != nil {
		return a, err
	}
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		return a, fmt.Errorf("the server gave no answer: %w", err)
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return a, err
	}
	if a.Address != "" {
		c.address = a.Address
	}
	return a, nil
}

// used is the processor time of the server so far.
func (c *child) used() (time.Duration, error) {
	a, err := c.say(sayUsage)
	return time.Duration(a.Used), err
}

// close ends the server.
func (c *child) close() error {
	return errors.Join(c.in.Close(), c.command.Wait())
}
