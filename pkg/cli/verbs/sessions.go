// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package verbs

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
	clientv1alpha1 "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
	"tilt.dev/session/pkg/kubeconfig"
	"tilt.dev/session/pkg/view"
)

// listTimeout is how long each server may take to answer.
const listTimeout = 2 * time.Second

// listed is a Session of a server of this user on this machine, or a server without any.
type listed struct {
	Context  string       `json:"context"`
	Session  string       `json:"session,omitempty"`
	Tiltfile string       `json:"tiltfile,omitempty"`
	Address  string       `json:"address"`
	PID      int64        `json:"pid,omitempty"`
	State    string       `json:"state"`
	Created  *metav1.Time `json:"created,omitempty"`
}

func newSessionsCommand(p command.Program) *cobra.Command {
	output := ""
	cmd := &cobra.Command{
		Use:   "sessions [flags]",
		Short: "List the Sessions of this user that run on this machine",
		Long: `Lists the Sessions of all servers that the kubeconfig of Tilt names and that run:
those of up, ci and serve, and of Tilt. The number in the name of a context is
what --port of the other commands chooses; that of tilt-default is 10350.

The exit code is 0 also if nothing runs.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "" && output != "json" {
				return command.WithCode(command.ExitUsage, "--output %q is unknown; use json", output)
			}
			location, err := kubeconfig.Locate(os.Getenv)
			if err != nil {
				return command.WithCode(command.ExitAPI, "%w", err)
			}
			running, err := location.Running()
			if err != nil {
				return command.WithCode(command.ExitAPI, "%w", err)
			}
			list := listAll(cmd.Context(), location, running)
			if output == "json" {
				encoder := json.NewEncoder(p.Streams.Out)
				encoder.SetIndent("", "  ")
				return command.Printed(encoder.Encode(map[string]any{"items": list}))
			}
			return command.Printed(printSessions(p, list, time.Now()))
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "json for a list of objects (default a table)")
	return cmd
}

// listAll asks all servers at once.
func listAll(ctx context.Context, location kubeconfig.Location, running []kubeconfig.Running) []listed {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	answers := make([][]listed, len(running))
	var asked sync.WaitGroup
	for i, r := range running {
		asked.Go(func() { answers[i] = list(ctx, location, r) })
	}
	asked.Wait()
	all := []listed{}
	for _, answer := range answers {
		all = append(all, answer...)
	}
	return all
}

// list asks one server. One that doesn't answer is listed if its process is known to run.
func list(ctx context.Context, location kubeconfig.Location, r kubeconfig.Running) (all []listed) {
	server := listed{Context: r.Name, Tiltfile: r.Tiltfile, Address: r.Server, PID: int64(r.PID)}
	sessions, err := ask(ctx, location, r.Port)
	if err != nil {
		if server.State = "doesn't answer"; r.PID == 0 {
			return nil
		}
		return []listed{server}
	}
	for i := range sessions {
		s, one := &sessions[i], server
		one.Session, one.Tiltfile, one.Created = s.Name, s.Spec.TiltfilePath, &s.CreationTimestamp
		one.State = string(view.Summarize(s, time.Now()).State)
		if one.PID == 0 {
			one.PID = s.Status.PID
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		server.State = "has no Sessions"
		return []listed{server}
	}
	return all
}

func ask(ctx context.Context, location kubeconfig.Location, port int) ([]v1alpha1.Session, error) {
	config, err := location.Load(port)
	if err != nil {
		return nil, err
	}
	rest, err := config.ClientConfig()
	if err != nil {
		return nil, err
	}
	client, err := clientv1alpha1.NewForConfig(rest)
	if err != nil {
		return nil, err
	}
	answer, err := client.Sessions().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	return answer.Items, nil
}

func printSessions(p command.Program, list []listed, now time.Time) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(p.Streams.Out, "Nothing runs.")
		return err
	}
	table := tabwriter.NewWriter(p.Streams.Out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "CONTEXT\tSESSION\tSTATE\tAGE\tPID\tADDRESS\tTILTFILE")
	for _, s := range list {
		age, pid := "", ""
		if s.Created != nil {
			age = duration.HumanDuration(now.Sub(s.Created.Time))
		}
		if s.PID != 0 {
			pid = strconv.FormatInt(s.PID, 10)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Context, s.Session, s.State, age, pid, s.Address, s.Tiltfile)
	}
	return table.Flush()
}
