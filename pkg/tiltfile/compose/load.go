// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/compose-spec/compose-go/v2/consts"
	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"
	"sigs.k8s.io/yaml"
)

// load loads a project and its services. What dc_resource() says of a service outlasts that.
func (c *Compose) load(p *project) error {
	details, err := c.details(p)
	if err != nil {
		return err
	}
	if len(p.Profiles) == 0 {
		c.defaultProfiles(p, details.Environment)
	}
	loaded, warnings, err := loadProject(c.evaluation.Context, details, c.options(p, false), c.addFiles)
	unchecked := err != nil && isInvalid(err) && c.accepted(p)
	if unchecked {
		loaded, warnings, err = loadProject(c.evaluation.Context, details, c.options(p, true), c.addFiles)
	}
	for _, warning := range warnings {
		c.evaluation.Warn("%s", warning)
	}
	if err != nil {
		return inFile(details.ConfigFiles, err)
	}
	if p.parts, err = partsOf(loaded); err != nil {
		return err
	}
	if p.unknown = nil; unchecked {
		p.unknown = details.ConfigFiles
	}
	before := p.services
	p.services = nil
	for _, name := range loaded.ServiceNames() {
		s := newService(p, name)
		if i := slices.IndexFunc(before, func(s *service) bool { return s.config.Name == name }); i >= 0 {
			s = before[i]
		}
		if err := s.define(loaded.Services[name]); err != nil {
			return err
		}
		p.services = append(p.services, s)
	}
	return nil
}

// details are the files and the environment of a project.
func (c *Compose) details(p *project) (types.ConfigDetails, error) {
	details := types.ConfigDetails{WorkingDir: p.Directory}
	for _, path := range p.Files {
		content, err := c.evaluation.ReadData(path)
		if err != nil {
			return details, err
		}
		details.ConfigFiles = append(details.ConfigFiles, types.ConfigFile{Filename: path, Content: content})
	}
	details.Environment = types.NewMapping(c.environ.Entries())
	files, err := c.envFiles(p, details.Environment)
	if err != nil {
		return details, err
	}
	variables, err := dotenv.GetEnvFromFile(details.Environment, files)
	if err != nil {
		return details, err
	}
	details.Environment.Merge(variables)
	return details, nil
}

// envFiles are the files with variables of a project, which `docker compose` finds in the same way.
func (c *Compose) envFiles(p *project, environment types.Mapping) (files []string, err error) {
	defaults := filepath.Join(p.Directory, ".env")
	switch {
	case p.EnvFile != "":
		files = []string{p.EnvFile}
	case environment["COMPOSE_ENV_FILES"] != "":
		for _, path := range strings.Split(environment["COMPOSE_ENV_FILES"], ",") {
			if !filepath.IsAbs(path) {
				path = filepath.Join(p.Directory, path)
			}
			files = append(files, path)
		}
	default:
		if text, ok := environment[consts.ComposeDisableDefaultEnvFile]; ok {
			disabled, err := strconv.ParseBool(text)
			if err != nil {
				return nil, fmt.Errorf("%s: got %q, want true or false", consts.ComposeDisableDefaultEnvFile, text)
			}
			if disabled {
				return nil, nil
			}
		}
		c.evaluation.AddInput(defaults)
		if info, err := os.Stat(defaults); err == nil && !info.IsDir() {
			files = []string{defaults}
		}
	}
	for _, path := range files {
		c.evaluation.AddInput(path)
	}
	return files, nil
}

// defaultProfiles activates the profiles that the environment names.
func (c *Compose) defaultProfiles(p *project, environment types.Mapping) {
	for _, name := range strings.Split(environment[consts.ComposeProfiles], ",") {
		if name = strings.TrimSpace(name); name != "" {
			p.Profiles = append(p.Profiles, name)
		}
	}
	if len(p.Profiles) > 0 {
		c.evaluation.Info(fmt.Sprintf("Compose project %q has the profiles of COMPOSE_PROFILES: %s",
			p.Name, strings.Join(p.Profiles, ", ")))
	}
}

// isInvalid reports whether the schema of the library is the reason of an error.
func isInvalid(err error) bool { return strings.HasPrefix(err.Error(), "validating ") }

// accepted reports whether the user's Docker Compose accepts a project: it may know what the library doesn't.
func (c *Compose) accepted(p *project) bool {
	program := []string{"docker", "compose"}
	for _, entry := range c.environ.Entries() {
		if own, ok := strings.CutPrefix(entry, "TILT_DOCKER_COMPOSE_CMD="); ok && own != "" {
			program = []string{own}
		}
	}
	_, err := c.environ.Run(slices.Concat(program, p.Arguments(), []string{"config", "--quiet"})...)
	return err == nil
}

// options are how a project is loaded. Unchecked drops what the library doesn't know.
func (c *Compose) options(p *project, unchecked bool) func(*loader.Options) {
	return func(o *loader.Options) {
		o.SkipValidation = unchecked
		o.SetProjectName(p.Name, true)
		o.Profiles = p.Profiles
		o.Listeners = append(o.Listeners, func(event string, of map[string]any) { c.addReference(p, event, of) })
		// Below, once the files are known.
		o.SkipResolveEnvironment = true
	}
}

// addReference makes the files of an include or extends inputs, before they are read.
func (c *Compose) addReference(p *project, event string, of map[string]any) {
	directory, ok := of["workingdir"].(string)
	if !ok {
		directory = p.Directory
	}
	add := func(path string) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(directory, path)
		}
		c.evaluation.AddInput(path)
	}
	switch event {
	case "include":
		paths, _ := of["path"].(types.StringList)
		for i, path := range paths {
			add(path)
			if i == 0 {
				add(filepath.Join(filepath.Dir(path), ".env"))
			}
		}
	case "extends":
		if path, ok := of["file"].(string); ok {
			add(path)
		}
	}
}

// inFile adds the name of the file that isn't YAML to the error of loading a project: the library leaves it out.
func inFile(files []types.ConfigFile, err error) error {
	if !strings.HasPrefix(err.Error(), "yaml: ") {
		return err
	}
	for _, file := range files {
		if _, invalid := yaml.YAMLToJSON(file.Content); invalid != nil {
			return fmt.Errorf("%s: %w", file.Filename, err)
		}
	}
	return err
}

// addFiles makes the files of services inputs.
func (c *Compose) addFiles(services types.Services) {
	for _, s := range services {
		for _, file := range s.EnvFiles {
			c.evaluation.AddInput(file.Path)
		}
	}
}

// loading is held while a project is loaded: the library logs its warnings to a global logger.
var loading sync.Mutex

// loadProject loads a project. It calls found with the services before it reads further files of theirs.
func loadProject(
	ctx context.Context, details types.ConfigDetails, options func(*loader.Options), found func(types.Services),
) (project *types.Project, warnings []string, err error) {
	loading.Lock()
	defer loading.Unlock()
	log := &messages{}
	logger := logrus.StandardLogger()
	output, formatter := logger.Out, logger.Formatter
	logger.SetOutput(log)
	logger.SetFormatter(log)
	defer func() {
		logger.SetOutput(output)
		logger.SetFormatter(formatter)
		warnings = log.texts
		// Upstream: compose-spec/compose-go v2.6.4: a faulty file makes the library panic in places.
		if fault := recover(); fault != nil {
			err = fmt.Errorf("the Compose file is faulty: %v; `docker compose config` may say where", fault)
		}
	}()
	if project, err = loader.LoadWithContext(ctx, details, options); err != nil {
		return nil, nil, err
	}
	found(project.Services)
	project, err = project.WithServicesEnvironmentResolved(false)
	return project, nil, err
}

// messages collects the messages of a logger.
type messages struct{ texts []string }

var _ logrus.Formatter = (*messages)(nil)

// obsoleteVersion is in the warning of a `version:`. Nearly every file has one, and it is without consequence.
const obsoleteVersion = "the attribute `version` is obsolete"

// Format implements logrus.Formatter. It formats nothing.
func (m *messages) Format(entry *logrus.Entry) ([]byte, error) {
	if !slices.Contains(m.texts, entry.Message) && !strings.Contains(entry.Message, obsoleteVersion) {
		m.texts = append(m.texts, entry.Message)
	}
	return nil, nil
}

func (m *messages) Write(p []byte) (int, error) { return len(p), nil }
