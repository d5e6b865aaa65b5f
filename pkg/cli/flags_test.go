// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/shlex"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"tilt.dev/session/pkg/cli/command"
)

// executeLine runs a command line with an environment of its own, in a directory with a file and a directory, and
// returns its exit code and what it has printed. The words before the command are environment variables.
func executeLine(t *testing.T, line string) (code int, errOut string) {
	t.Helper()
	words, err := shlex.Split(line)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, key := range []string{"TILT_HOST", "TILT_PORT", "TILT_CONFIG", "XDG_STATE_HOME"} {
		t.Setenv(key, "")
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("TILT_DEV_DIR", filepath.Join(t.TempDir(), "dev"))
	for len(words) > 0 && strings.Contains(words[0], "=") {
		key, value, _ := strings.Cut(words[0], "=")
		t.Setenv(key, value)
		words = words[1:]
	}
	if err := os.Mkdir("dir", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("file", []byte("text\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	signals := make(chan os.Signal, 1)
	signals <- os.Interrupt // nothing here is to run for long
	p := command.Program{
		Streams: genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errs},
		Version: "v0.1.0",
		Notify:  func() <-chan os.Signal { return signals },
	}
	return p.ExitCode(Execute(t.Context(), p, words)), errs.String()
}

// TestWrongUsage is every flag with values that can be seen to be wrong.
func TestWrongUsage(t *testing.T) {
	const (
		empty    = " must not be empty; omit it "
		noHost   = `for "--host" flag: must be a host name or an IP address, without scheme, port, brackets or zone`
		noSingle = `for "--host" flag: must not be a multicast or broadcast address`
	)
	for _, test := range []struct {
		line string
		code int
		want []string
	}{
		// Where the API listens.
		{`ci --host ''`, 2, []string{"--host" + empty}},
		{`up --host ' '`, 2, []string{"--host" + empty}},
		{`ci --host 999.1.1.1`, 2, []string{noHost}},
		{`ci --host 127.1`, 2, []string{noHost}},
		{`ci --host http://x`, 2, []string{noHost}},
		{`ci --host a:80`, 2, []string{noHost}},
		{`ci --host [::1]:80`, 2, []string{noHost}},
		{`ci --host [::1]`, 2, []string{noHost}},
		{`ci --host fe80::1%lo`, 2, []string{noHost}},
		{`ci --host 224.0.0.1`, 2, []string{noSingle}},
		{`logs --session a/b`, 2, []string{`--session "a/b" is not a valid name of a Session: it may not contain '/'`}},
		{`top`, 2, []string{"top needs a terminal of at least 40 columns and 10 rows"}},
		{`trigger --session .. web`, 2, []string{`--session ".." is not a valid name of a Session`}},
		{`serve --etcd-servers= --data-dir d`, 2, []string{`--etcd-servers must not be empty`}},
		{`ci --host 255.255.255.255`, 2, []string{noSingle}},
		{`ci --host ff02::1`, 2, []string{noSingle}},
		{`ci --host 'a b'`, 2, []string{noHost}},
		{`ci --host a/b`, 2, []string{noHost}},
		{`ci --host -x`, 2, []string{noHost}},
		{`ci --host no.such.invalid`, 2, []string{`--host "no.such.invalid" has no address: `}},
		{`TILT_HOST=' ' ci`, 2, []string{`environment variable TILT_HOST: " ": must not be empty`}},
		{`TILT_HOST=a:80 up`, 2, []string{`environment variable TILT_HOST: "a:80": must be a host name`}},
		{`TILT_HOST=a:80 ci --host ''`, 2, []string{"--host" + empty}},
		{`ci --port ''`, 2, []string{"--port" + empty}},
		{`ci --port -1`, 2, []string{`invalid argument "-1" for "--port" flag`}},
		{`ci --port 65536`, 2, []string{`invalid argument "65536" for "--port" flag`}},
		{`ci --port 99999999999999999999`, 2, []string{`invalid argument "99999999999999999999" for "--port" flag`}},
		{`ci --port abc`, 2, []string{`invalid argument "abc" for "--port" flag: must be a port number from 0 to 65535`}},
		{`ci --port 1.5`, 2, []string{`invalid argument "1.5" for "--port" flag: `}},
		{`ci --port 1 --port -1`, 2, []string{`invalid argument "-1" for "--port" flag`}},
		{`TILT_PORT=abc ci`, 2, []string{`environment variable TILT_PORT: "abc": `}},
		{`TILT_PORT=65536 ci`, 2, []string{`environment variable TILT_PORT: "65536": `}},
		{`TILT_PORT=-1 serve`, 2, []string{"--secure-port: -1 is out of range"}},

		// What is run.
		{`ci -f ''`, 2, []string{"--file" + empty}},
		{`up --file ' '`, 2, []string{"--file" + empty}},
		{`up -f dir`, 2, []string{"--file dir is a directory"}},
		{`ci --timeout ''`, 2, []string{"--timeout" + empty}},
		{`ci --timeout -1s`, 2, []string{"--timeout -1s is negative; use 0"}},
		{`ci --linger -1s`, 2, []string{"--linger -1s is negative; use 0 to end at once"}},
		{`up --linger 1s`, 2, []string{"unknown flag: --linger"}},
		{`ci --timeout 5`, 2, []string{`invalid argument "5" for "--timeout" flag: `}},
		{`ci --timeout nonsense`, 2, []string{`invalid argument "nonsense" for "--timeout" flag: `}},
		{`up --kill-grace ''`, 2, []string{"--kill-grace" + empty}},
		{`up --kill-grace -1s`, 2, []string{"--kill-grace -1s is negative"}},
		{`up --kill-grace 5`, 2, []string{`invalid argument "5" for "--kill-grace" flag: `}},
		{`ci --keep-going=maybe`, 2, []string{`invalid argument "maybe" for "--keep-going" flag: `}},
		{`up --stream=`, 2, []string{"--stream" + empty}},
		{`ci -v -1`, 2, []string{`invalid argument "-1" for "-v, --v" flag`}},
		{`ci -v ''`, 2, []string{"--v" + empty}},
		{`ci -v 99999999999`, 2, []string{`invalid argument "99999999999" for "-v, --v" flag: `}},
		{`ci -f dir --timeout -1s --linger -1s --kill-grace -1s`, 2,
			[]string{"--file dir is", "--timeout -1s", "--linger -1s", "--kill-grace -1s"}},

		{`ci --color ''`, 2, []string{"--color" + empty}},
		{`up --color=blue`, 2, []string{`invalid argument "blue" for "--color" flag: must be always, never or auto`}},

		// What is served.
		{`serve --audit-log-format ''`, 2, []string{"--audit-log-format" + empty}},
		{`serve --audit-log-format x`, 2, []string{"--audit-log-format: "}},
		{`serve --audit-log-maxage -1`, 2, []string{"--audit-log-maxage -1"}},
		{`serve --audit-log-path ''`, 2, []string{"--audit-log-path" + empty}},
		{`serve --audit-log-version ''`, 2, []string{"--audit-log-version" + empty}},
		{`serve --audit-log-version x`, 2, []string{"--audit-log-version: "}},
		{`serve --audit-policy-file ''`, 2, []string{"--audit-policy-file" + empty}},
		{`serve --authentication-kubeconfig ''`, 2, []string{"--authentication-kubeconfig" + empty}},
		{`serve --authentication-kubeconfig dir`, 2, []string{"--authentication-kubeconfig dir: "}},
		{`serve --authorization-always-allow-paths ''`, 2, []string{"--authorization-always-allow-paths" + empty}},
		{`serve --authorization-kubeconfig ''`, 2, []string{"--authorization-kubeconfig" + empty}},
		{`serve --bind-address ''`, 2, []string{"--bind-address" + empty}},
		{`serve --bind-address nonsense`, 2, []string{`--bind-address: "nonsense" is not an IP address`}},
		{`serve --bind-address 127.0.0.1:80`, 2, []string{`--bind-address: "127.0.0.1:80" is not an IP address`}},
		{`serve --bind-address 224.0.0.1`, 2, []string{"--bind-address: 224.0.0.1 is a multicast or broadcast address"}},
		{`serve --client-ca-file ''`, 2, []string{"--client-ca-file" + empty}},
		{`serve --client-ca-file dir`, 2, []string{"--client-ca-file: read dir: is a directory"}},
		{`serve --data-dir ''`, 2, []string{"--data-dir" + empty}},
		{`serve --data-dir ' '`, 2, []string{"--data-dir" + empty}},
		{`serve --data-dir file`, 2, []string{"--data-dir file is not a directory"}},
		{`serve --data-dir x --storage memory`, 2, []string{"--data-dir must not be combined with --storage memory"}},
		{`HOME= serve`, 2, []string{"--data-dir is required"}},
		{`serve --etcd-cafile ''`, 2, []string{"--etcd-cafile" + empty}},
		{`serve --etcd-prefix '' --etcd-servers https://a:1`, 2, []string{"--etcd-prefix" + empty}},
		{`serve --etcd-prefix / --etcd-servers https://a:1`, 2, []string{`--etcd-prefix: "/" must`}},
		{`serve --etcd-servers ''`, 2, []string{"--etcd-servers" + empty}},
		{`serve --etcd-servers ,`, 2, []string{"--etcd-servers" + empty}},
		{`serve --etcd-servers https://a:1,`, 2, []string{`--etcd-servers: "" must have the form`}},
		{`serve --etcd-servers https://a:99999`, 2, []string{`--etcd-servers: "https://a:99999" must have the form`}},
		{`serve --etcd-servers https://a:0`, 2, []string{`--etcd-servers: "https://a:0" must have the form`}},
		{`serve --etcd-servers https://:1`, 2, []string{`--etcd-servers: "https://:1" must have the form`}},
		{`serve --etcd-compaction-interval ''`, 2, []string{"--etcd-compaction-interval" + empty}},
		{`serve --goaway-chance x`, 2, []string{`invalid argument "x" for "--goaway-chance" flag: `}},
		{`serve --kubeconfig-out ''`, 2, []string{"--kubeconfig-out" + empty}},
		{`serve --kubeconfig-out dir`, 2, []string{"--kubeconfig-out: dir is a directory"}},
		{`serve --kubeconfig-out file`, 2, []string{"--kubeconfig-out: file exists and isn't a kubeconfig"}},
		{`serve --max-running ''`, 2, []string{"--max-running" + empty}},
		{`serve --max-running -1`, 2, []string{"--max-running -1 is negative; use 0"}},
		{`serve --max-running x`, 2, []string{`invalid argument "x" for "--max-running" flag: `}},
		{`serve --requestheader-client-ca-file ''`, 2, []string{"--requestheader-client-ca-file" + empty}},
		{`serve --requestheader-username-headers ''`, 2, []string{"--requestheader-username-headers" + empty}},
		{`serve --secure-port ''`, 2, []string{"--secure-port" + empty}},
		{`serve --secure-port -1`, 2, []string{"--secure-port: -1 is out of range"}},
		{`serve --secure-port 65536`, 2, []string{"--secure-port: 65536 is out of range"}},
		{`serve --storage ''`, 2, []string{"--storage" + empty}},
		{`serve --storage nonsense`, 2, []string{"--storage nonsense must be"}},
		{`serve --tls-cert-file ''`, 2, []string{"--tls-cert-file" + empty}},
		{`serve --tls-cert-file '' --tls-private-key-file ''`, 2, []string{"--tls-cert-file" + empty, "--tls-private-key-file" + empty}},
		{`serve --tls-min-version ''`, 2, []string{"--tls-min-version" + empty}},
		{`serve --tls-min-version VersionTLS11`, 2, []string{"--tls-min-version: "}},
		{`serve --tls-secret '' --tls-service ''`, 2, []string{"--tls-secret" + empty, "--tls-service" + empty}},
		{`serve --token-auth-file ''`, 2, []string{"--token-auth-file" + empty}},
		{`serve --token-auth-file dir`, 2, []string{"--token-auth-file dir: "}},
		{`serve -v -1`, 2, []string{`invalid argument "-1" for "-v, --v" flag`}},
		{`serve --data-dir file --bind-address x --max-running -1 --kill-grace -1s --kubeconfig-out dir`, 2,
			[]string{"--data-dir file", "--bind-address", "--max-running -1", "--kill-grace -1s", "--kubeconfig-out: dir"}},

		// The data directory without a server.
		{`storage check --data-dir ''`, 2, []string{"--data-dir" + empty}},
		{`storage compact --data-dir ' '`, 2, []string{"--data-dir" + empty}},
		{`storage export --data-dir file`, 2, []string{"--data-dir file is not a directory"}},
		{`HOME= storage check`, 2, []string{"--data-dir is required"}},
		{`storage export ''`, 2, []string{"FILE must not be empty"}},
		{`storage import ''`, 2, []string{"FILE must not be empty"}},

		// A Session that runs.
		{`logs --host ''`, 2, []string{"--host" + empty}},
		{`logs --port 0`, 2, []string{"--port 0 names no running Session"}},
		{`logs --session ''`, 2, []string{"--session" + empty}},
		{`logs --since ''`, 2, []string{"--since" + empty}},
		{`logs --since -1s`, 2, []string{"--since -1s is negative"}},
		{`logs --since 5`, 2, []string{`invalid argument "5" for "--since" flag: `}},
		{`logs --tail ''`, 2, []string{"--tail" + empty}},
		{`logs --tail -2`, 2, []string{"--tail -2 is negative"}},
		{`logs --since -1s --tail -2`, 2, []string{"--since -1s", "--tail -2"}},
		{`logs ''`, 2, []string{"name of a resource must not be empty"}},
		{`status --session ''`, 2, []string{"--session" + empty}},
		{`status -o ''`, 2, []string{"--output" + empty}},
		{`status --port 0`, 2, []string{"--port 0 names no running Session"}},
		{`status --color=1`, 2, []string{`invalid argument "1" for "--color" flag`}},
		{`status -o nonsense`, 2, []string{"--output: unable to match a printer"}},
		{`why`, 2, []string{"accepts 1 arg(s), received 0"}},
		{`why --port 0 a`, 2, []string{"--port 0 names no running Session"}},
		{`sessions a`, 2, []string{`unknown command "a"`}},
		{`sessions -o yaml`, 2, []string{`--output "yaml" is unknown; use json`}},
		{`stop --port 0`, 2, []string{"--port 0 names no running Session"}},
		{`stop --timeout -1s`, 2, []string{"--timeout -1s is negative"}},
		{`stop -f ''`, 2, []string{"--file" + empty}},
		{`up --detach-timeout -1s`, 2, []string{"--detach-timeout -1s is negative; use 0 for no limit"}},
		{`up --detach=maybe`, 2, []string{`invalid argument "maybe" for "--detach" flag`}},
		{`kubeconfig --host ' '`, 2, []string{"--host" + empty}},
		{`kubeconfig --port 0`, 2, []string{"--port 0 names no running Session"}},
		{`kubeconfig --port -1 --path`, 2, []string{`invalid argument "-1" for "--port" flag`}},
		{`trigger --host '' a`, 2, []string{"--host" + empty}},
		{`trigger --session '' a`, 2, []string{"--session" + empty}},
		{`trigger --port 65536 a`, 2, []string{`invalid argument "65536" for "--port" flag`}},
		{`enable --host a:80 a`, 2, []string{noHost}},
		{`enable --labels ''`, 2, []string{"--labels" + empty}},
		{`disable --labels ,`, 2, []string{"--labels" + empty}},
		{`disable --session '' a`, 2, []string{"--session" + empty}},
		{`args --session '' --clear`, 2, []string{"--session" + empty}},
		{`args --port -1 -- a`, 2, []string{`invalid argument "-1" for "--port" flag`}},
		{`get sessions --host ''`, 2, []string{"--host" + empty}},
		{`get sessions --port ''`, 2, []string{"--port" + empty}},
		{`describe sessions --host http://x`, 2, []string{noHost}},
		{`delete sessions --all --port -1`, 2, []string{`invalid argument "-1" for "--port" flag`}},
		{`TILT_PORT=0 wait session/a --for=delete`, 2, []string{"names no running Session"}},
		{`TILT_PORT=x apply -f -`, 2, []string{`environment variable TILT_PORT: "x"`}},

		// The web page.
		{`up --web-allowed-hosts ''`, 2, []string{"--web-allowed-hosts" + empty}},
		{`up --web-allowed-hosts a,http://x`, 2, []string{`--web-allowed-hosts "http://x" must have the form HOST or HOST:PORT`}},
		{`up --web-allowed-hosts a:0`, 2, []string{`--web-allowed-hosts "a:0" must have the form HOST or HOST:PORT`}},
		{`up --web-allowed-hosts *.example.com`, 2, []string{`--web-allowed-hosts "*.example.com" must have the form HOST or HOST:PORT`}},
		{`serve --web-allowed-hosts a:b:1`, 2, []string{`--web-allowed-hosts "a:b:1" must have the form HOST or HOST:PORT`}},
		{`up --web=false --web-allowed-hosts a`, 2, []string{"--web-allowed-hosts must not be combined with --web=false"}},
		{`up --web=false --open`, 2, []string{"--open must not be combined with --web=false"}},
		{`up --web-mode off --open`, 2, []string{"--open must not be combined with --web=false"}},
		{`ci --open`, 2, []string{"unknown flag: --open"}},
		{`ci --web-allowed-hosts a`, 2, []string{"unknown flag: --web-allowed-hosts"}},
		{`serve --etcd-servers https://a:1 --web --web-allowed-hosts a`, 2, []string{
			"--web must not be combined with --etcd-servers", "--web-allowed-hosts must not be combined with --etcd-servers"}},
		{`ui --port 0`, 2, []string{"--port 0 names no running Session"}},
		{`ui --session a/b`, 2, []string{`--session "a/b" is not a valid name of a Session`}},
		{`ui --session a/b --context x`, 2, []string{`--session "a/b" is not a valid name of a Session`}},
		{`ui --context ''`, 2, []string{"--context" + empty}},
		{`ui --kubeconfig none`, 2, []string{"read the kubeconfig: stat none: no such file"}},
		{`ui --kubeconfig file`, 2, []string{"read the kubeconfig: "}},
		{`ui --export d --context x`, 2, []string{"--context must not be combined with --export"}},
		{`ui --export d --session x`, 2, []string{"--session must not be combined with --export"}},
		{`ui --export ''`, 2, []string{"--export" + empty}},
		{`ui --export .`, 2, []string{": the directory must be empty"}},
		{`ui --export file`, 2, []string{"--export: open "}},
		{`ui x`, 2, []string{`unknown command "x"`}},

		// What isn't wrong usage of a flag.
		{`trigger ''`, 1, []string{"name of a resource must not be empty"}},
		{`trigger`, 1, []string{"must specify at least one resource"}},
		{`enable ''`, 1, []string{"name of a resource must not be empty"}},
		{`enable`, 1, []string{"must specify at least one resource"}},
		{`disable --all a`, 1, []string{"cannot use --all with resource names"}},
		{`args --clear a`, 1, []string{"--clear cannot be specified with other values"}},
		{`ui`, 4, []string{"no context tilt-default"}},
		{`TILT_HOST= TILT_PORT= get sessions`, 4, []string{"no context tilt-default"}},
	} {
		t.Run(test.line, func(t *testing.T) {
			code, errOut := executeLine(t, test.line)
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			for _, part := range test.want {
				if !strings.Contains(errOut, part) {
					t.Errorf("want %q in:\n%s", part, errOut)
				}
			}
			if n := strings.Count(errOut, "\n"); code == 2 && n > len(test.want)+1 {
				t.Errorf("%d lines, want no more than one for each error:\n%s", n, errOut)
			}
		})
	}
}
