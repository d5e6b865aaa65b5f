// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"tilt.dev/session/pkg/image/dockerfile"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// docker does a docker_build().
func (a *build) docker(registry *model.Registry) (product, error) {
	spec := a.image.Docker
	t, err := a.tool()
	if err != nil {
		return product{}, err
	}
	if t.classic && len(spec.SSH)+len(spec.Secrets) > 0 {
		return product{}, errors.New("ssh and secret need BuildKit: install the buildx plugin of docker")
	}
	text, foreign, err := a.dockerfile()
	if err != nil {
		return product{}, err
	}
	options := dockerOptions{DockerBuild: *spec, tool: t}
	options.tag = a.name() + ":tilt-build-" + strings.ToLower(rand.Text()[:12])
	if options.Platform == "" && lookup(a.env, "DOCKER_DEFAULT_PLATFORM") == "" {
		options.Platform = a.node.Platform
	}
	if spec.Pull && len(a.image.Bases) > 0 {
		// The program would ask a registry for the project's own images too.
		options.Pull = false
		for _, ref := range foreign {
			if err := a.pull(ref, options.Platform); err != nil {
				return product{}, err
			}
		}
	}
	if len(a.image.Bases) == 0 {
		options.builder = ""
	}
	command, err := a.prepare(&options, text)
	if err != nil {
		return product{}, err
	}
	if command.Stdin != nil {
		defer command.Stdin.Close()
	}
	platform := ""
	if options.Platform != "" {
		platform = " for " + options.Platform
	}
	a.say("Building %s%s by %s", a.image.Image, platform, t)
	if err := a.runBuild(t, command); err != nil {
		return product{}, err
	}
	made, err := a.label(options.tag, registry)
	if err != nil {
		return made, err
	}
	return made, a.untag(options.tag)
}

// dockerfile returns the Dockerfile with the references of the project's images, and the other references that its
// build uses.
func (a *build) dockerfile() (text string, foreign []string, err error) {
	spec := a.image.Docker
	var names []dockerfile.Name
	for _, base := range a.image.Bases {
		name, err := dockerfile.ParseName(base)
		if err != nil {
			return "", nil, err
		}
		names = append(names, name)
	}
	used := map[int]bool{}
	missing := ""
	text, err = dockerfile.Replace(spec.Contents, a.buildArgs(), func(ref string) string {
		i := dockerfile.Find(names, ref)
		if i < 0 {
			return ""
		}
		used[i] = true
		built, ok := a.request.Images[a.image.Bases[i]]
		if !ok {
			missing = a.image.Bases[i]
		}
		return built.Ref
	})
	if err != nil {
		return "", nil, err
	}
	if missing != "" {
		return "", nil, fmt.Errorf("image %q, which the Dockerfile uses, isn't built", missing)
	}
	for i, base := range a.image.Bases {
		if !used[i] {
			return "", nil, fmt.Errorf("the Dockerfile doesn't use image %q, which it depends on", base)
		}
	}
	all, err := dockerfile.Bases(spec.Contents, a.buildArgs(), spec.Target)
	for _, ref := range all {
		if dockerfile.Find(names, ref) < 0 {
			foreign = append(foreign, ref)
		}
	}
	return text, foreign, err
}

// buildArgs are the build arguments with the values that come from the environment.
func (a *build) buildArgs() []string {
	var args []string
	for _, arg := range a.image.Docker.BuildArgs {
		if !strings.Contains(arg, "=") {
			if value := lookup(a.env, arg); value != "" {
				arg += "=" + value
			}
		}
		args = append(args, arg)
	}
	return args
}

// pull gets the newest image of a reference.
func (a *build) pull(ref, platform string) error {
	argv := []string{a.builder.options.Program, "pull"}
	if platform != "" {
		argv = append(argv, "--platform", platform)
	}
	return a.transfer(worthShowing, append(argv, ref)...)
}

// dockerOptions are what a command line of the builder says.
type dockerOptions struct {
	model.DockerBuild
	tool
	// tag is the temporary reference of the image.
	tag string
	// file is the Dockerfile, and ignoreFile that of ignore patterns, which docker finds by its name.
	file, ignoreFile string
}

// argv is the command line. The context is added to it.
func (o dockerOptions) argv() []string {
	argv := []string{o.program, "build"}
	switch {
	case o.buildx:
		argv = []string{o.program, "buildx", "build", "--load"}
		if o.rawJSON {
			argv = append(argv, "--progress", "rawjson")
		} else {
			argv = append(argv, "--progress", "plain")
		}
		if o.builder != "" {
			argv = append(argv, "--builder", o.builder)
		}
	case o.program == ProgramPodman:
		argv = append(argv, "--ignorefile", o.ignoreFile)
	case o.classic:
		argv = append(argv, "--force-rm")
	default:
		argv = append(argv, "--progress", "plain")
	}
	argv = append(argv, "--file", o.file, "--tag", o.tag, "--label", "dev.tilt.built=true", "--label", "dev.tilt.gc=true")
	add := func(flag string, values ...string) {
		for _, value := range values {
			if value != "" {
				argv = append(argv, flag, value)
			}
		}
	}
	add("--tag", o.ExtraTags...)
	add("--build-arg", o.BuildArgs...)
	add("--target", o.Target)
	add("--platform", o.Platform)
	add("--network", o.Network)
	add("--add-host", o.ExtraHosts...)
	add("--cache-from", o.CacheFrom...)
	add("--ssh", o.SSH...)
	add("--secret", o.Secrets...)
	if o.Pull {
		argv = append(argv, "--pull")
	}
	return argv
}

// prepare writes the temporary files of a build, and returns its command.
func (a *build) prepare(o *dockerOptions, text string) (process.Spec, error) {
	var ignored ignores
	var err error
	if o.Context != "" {
		if info, statErr := os.Stat(o.Context); statErr != nil {
			return process.Spec{}, fmt.Errorf("build context: %w", statErr)
		} else if !info.IsDir() {
			return process.Spec{}, fmt.Errorf("build context %q isn't a directory", o.Context)
		}
		if ignored, err = readIgnores(&o.DockerBuild); err != nil {
			return process.Spec{}, err
		}
	}
	if o.classic {
		return a.prepareClassic(o, text, ignored)
	}
	patterns, err := ignored.combine(o.Context)
	if err != nil {
		return process.Spec{}, err
	}
	name := "Dockerfile"
	if o.Dockerfile != "" {
		name = filepath.Base(o.Dockerfile) // Errors name it.
	}
	if o.file, err = a.temporary(name); err != nil {
		return process.Spec{}, err
	}
	o.ignoreFile = o.file + ".dockerignore"
	err = errors.Join(
		os.WriteFile(o.file, []byte(text), 0o600),
		os.WriteFile(o.ignoreFile, []byte(strings.Join(patterns, "\n")+"\n"), 0o600),
	)
	context := o.Context
	if context == "" {
		context = filepath.Join(a.directory, ".context")
		err = errors.Join(err, os.Mkdir(context, 0o700))
	}
	if err != nil {
		return process.Spec{}, fmt.Errorf("write temporary files: %w", err)
	}
	// Docker's client has BuildKit of its own or buildx; attestations would change the image each time.
	env := process.MergeEnv(a.env, []string{"DOCKER_BUILDKIT=1", "BUILDX_NO_DEFAULT_ATTESTATIONS=1"})
	return process.Spec{Argv: append(o.argv(), context), Dir: context, Env: env}, nil
}

// prepareClassic is prepare for the classic builder, which gets an archive.
func (a *build) prepareClassic(o *dockerOptions, text string, ignored ignores) (process.Spec, error) {
	path, err := a.temporary("context.tar")
	if err != nil {
		return process.Spec{}, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return process.Spec{}, fmt.Errorf("write build context: %w", err)
	}
	if err = archive(f, o.Context, text, ignored); err == nil {
		_, err = f.Seek(0, 0)
	}
	if err != nil {
		return process.Spec{}, errors.Join(fmt.Errorf("write build context: %w", err), f.Close())
	}
	o.file = classicDockerfile
	env := process.MergeEnv(a.env, []string{"DOCKER_BUILDKIT=0"})
	return process.Spec{Argv: append(o.argv(), "-"), Dir: o.Context, Env: env, Stdin: f}, nil
}

var unknownFlag = regexp.MustCompile(`^(unknown flag|flag provided but not defined)`)

// runBuild runs the command of a build and shows its progress.
func (a *build) runBuild(t tool, command process.Spec) error {
	log := a.request.Log.Writer()
	defer log.Close()
	p := newProgress(log)
	out := &lineWriter{line: p.plainLine}
	switch {
	case t.rawJSON:
		out.line = p.jsonLine
	case t.classic:
		out.line = p.classicLine
	case t.program == ProgramPodman:
		out.line = p.podmanLine
	}
	command.Output = out
	exit, err := a.execute(command)
	out.flush()
	if err != nil {
		return err
	}
	if exit.Code == 0 {
		if t.classic {
			p.flush()
		}
		return nil
	}
	cause := p.err()
	switch {
	case unknownFlag.MatchString(cause):
		cause = fmt.Sprintf("%s: this version of %s is too old, update it", cause, t.program)
	case cause == "":
		cause = strings.Join(command.Argv[:2], " ") + " failed: " + exit.String()
	}
	return failure(exit, "%s", cause)
}
