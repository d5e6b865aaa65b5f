// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"path/filepath"
	"testing"

	"tilt.dev/session/pkg/model"
)

// FuzzLoad evaluates any text as a Tiltfile: the result is a project that can be run, or an error with a text.
func FuzzLoad(f *testing.F) {
	for _, source := range []string{
		"local_resource('a', 'x', resource_deps=['b'])\nlocal_resource('b', serve_cmd=['y'], readiness_probe=probe(http_get=http_get_action(80)))",
		"def f(x):\n  return f(x)\nf(1)",
		"while True: pass",
		"include('Tiltfile')",
		"load('Tiltfile', 'x')",
		"x = []\nx.append(x)\nprint(x)\nlocal_resource('a', x)",
		"os.environ['A'] = 'b'\nos.environ.update(os.environ)\nfor k in os.environ: os.environ.pop(k)",
		"local_resource(name='a', cmd='x', deps='..', env={'A': 'b'}, dir='/', links=['x', link('y', 'z')], labels='l')",
		"ci_settings(timeout='1s')\nupdate_settings(max_parallel_updates=1)\ntrigger_mode(TRIGGER_MODE_AUTO)\nexit(struct(a=1))",
		"print(os.path.relpath(os.path.join('a', '..'), 'b'), shlex.quote('x'), blob('y'), hash('z'))",
		"read_file('nope', default=blob(''))\nfail(set([1]), sep='')",
		"v1alpha1.x\nsys.argv\ndocker_build()",
		"v1alpha1.cmd('a', args=['x'], env=['A=b'], restart_on={'file_watches': ['f']}, start_on={1: 2})\nv1alpha1.file_watch('f', watched_paths='.')\nlocal_resource('a', 'x')",
		"v1alpha1.extension_repo('default', url='file:///')\nv1alpha1.extension('x', repo_name='default', repo_path='..')\nload('ext://x', 'y')",
		"v1alpha1.ui_button('b', text='B', location=v1alpha1.ui_component_location('a', 'b'), inputs=[{'name': 'x', 'text': {}}])",
		"local('x')",
	} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		options := tiltfile(t, source)
		options.Runner = nil
		e := newEvaluation(t.Context(), options)
		e.limits.steps = 20_000
		project, err := e.project()
		if err != nil {
			var failure *Error
			if !errors.As(err, &failure) || failure.Text == "" {
				t.Fatalf("got error %#v, want an *Error with a text", err)
			}
			return
		}
		requireSound(t, project)
	})
}

// requireSound fails if a project can't be run.
func requireSound(t *testing.T, project model.Project) {
	if len(project.Resources) == 0 || project.CI == nil || project.MaxParallelUpdates < 1 {
		t.Fatalf("incomplete project: %+v", project)
	}
	for _, r := range project.Resources {
		if err := model.ValidateName(r.Name); err != nil {
			t.Errorf("resource name: %v", err)
		}
		if r.Update == nil && r.Runtime == nil {
			t.Errorf("resource %q has nothing to run", r.Name)
		}
		var commands []model.Command
		if c, ok := r.Update.(*model.Command); ok {
			commands = append(commands, *c)
		}
		if server, ok := r.Runtime.(*model.Server); ok {
			commands = append(commands, server.Command)
			if server.Readiness != nil {
				if err := server.Readiness.Validate(); err != nil {
					t.Errorf("resource %q: %v", r.Name, err)
				}
			}
		}
		for _, c := range commands {
			if len(c.Argv) == 0 || !filepath.IsAbs(c.Dir) {
				t.Errorf("resource %q: command %+v can't be run", r.Name, c)
			}
		}
	}
	for _, c := range project.Companions {
		if c.Name == "" || c.Source == "" || len(c.Command.Argv) == 0 || !filepath.IsAbs(c.Command.Dir) {
			t.Errorf("companion %+v can't be run", c)
		}
	}
	if _, warnings, err := model.ResolveDependencies(project.Resources); err != nil || len(warnings) > 0 {
		t.Errorf("the graph isn't resolved: %v, %v", warnings, err)
	}
}
