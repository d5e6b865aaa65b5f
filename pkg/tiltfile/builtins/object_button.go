// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"errors"
	"fmt"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
)

// button is v1alpha1.ui_button(name, ...).
func (o *Objects) button(_ *Call, a struct {
	Metadata
	Location     partOf[uiComponentLocation] `arg:"location??"`
	Text         string                      `arg:"text??"`
	IconName     string                      `arg:"icon_name??"`
	IconSVG      Text                        `arg:"icon_svg??"`
	Disabled     bool                        `arg:"disabled??"`
	Confirmation bool                        `arg:"requires_confirmation??"`
	Modal        bool                        `arg:"show_inputs_as_modal??"`
	Inputs       partList[uiInputSpec]       `arg:"inputs??"`
}) (starlark.Value, error) {
	switch {
	case a.Location.part == nil:
		return nil, errors.New("location must be given")
	case a.Text == "":
		return nil, errors.New("text must not be empty")
	}
	b := model.Button{
		Name: a.name(), Labels: a.Labels, Annotations: a.Annotations,
		ComponentType: a.Location.part.Type, ComponentID: a.Location.part.ID,
		Text: a.Text, IconName: a.IconName, IconSVG: string(a.IconSVG), Disabled: a.Disabled, Confirm: a.Confirmation,
	}
	seen := map[string]bool{}
	for _, input := range a.Inputs {
		if seen[input.Name] {
			return nil, fmt.Errorf("two inputs are named %q", input.Name)
		}
		seen[input.Name] = true
		b.Inputs = append(b.Inputs, input.model())
	}
	o.buttons = append(o.buttons, b)
	return nil, nil
}

// Buttons returns the buttons. What starts a button's commands when it is pressed are the Companions.
func (o *Objects) Buttons() []model.Button { return o.buttons }

type uiComponentLocation struct {
	Part `builtin:"v1alpha1.ui_component_location"`
	ID   string `arg:"component_id??"`
	Type string `arg:"component_type??"`
}

func (l *uiComponentLocation) check() error {
	switch {
	case l.ID == "":
		return errors.New("component_id must not be empty")
	case l.Type == "":
		return errors.New("component_type must not be empty")
	}
	return nil
}

type uiInputSpec struct {
	Part   `builtin:"v1alpha1.ui_input_spec"`
	Name   string                    `arg:"name??"`
	Label  string                    `arg:"label??"`
	Text   partOf[uiTextInputSpec]   `arg:"text??"`
	Bool   partOf[uiBoolInputSpec]   `arg:"bool??"`
	Hidden partOf[uiHiddenInputSpec] `arg:"hidden??"`
	Choice partOf[uiChoiceInputSpec] `arg:"choice??"`
}

func (i *uiInputSpec) check() error {
	if i.Name == "" {
		return errors.New("name must not be empty")
	}
	if err := checkVariable(i.Name, ""); err != nil {
		return err
	}
	return exactlyOne("text, bool, hidden, or choice",
		i.Text.part != nil, i.Bool.part != nil, i.Hidden.part != nil, i.Choice.part != nil)
}

func (i *uiInputSpec) model() model.ButtonInput {
	input := model.ButtonInput{Name: i.Name, Label: i.Label}
	switch {
	case i.Text.part != nil:
		input.Text = &model.TextInput{Default: i.Text.part.Default, Placeholder: i.Text.part.Placeholder}
	case i.Bool.part != nil:
		b := i.Bool.part
		input.Bool = &model.BoolInput{Default: b.Default, True: b.TrueString.given, False: b.FalseString.given}
	case i.Hidden.part != nil:
		input.Hidden = &i.Hidden.part.Value
	case i.Choice.part != nil:
		input.Choice = &model.ChoiceInput{Choices: i.Choice.part.Choices}
	}
	return input
}

// optionalString is a string that knows whether it was left out.
type optionalString struct{ given *string }

// Unpack implements starlark.Unpacker.
func (s *optionalString) Unpack(v starlark.Value) error {
	text, ok := starlark.AsString(v)
	if !ok {
		return fmt.Errorf("got %s, want string", v.Type())
	}
	s.given = &text
	return nil
}

type uiTextInputSpec struct {
	Part        `builtin:"v1alpha1.ui_text_input_spec"`
	Default     string `arg:"default_value??"`
	Placeholder string `arg:"placeholder??"`
}

type uiBoolInputSpec struct {
	Part        `builtin:"v1alpha1.ui_bool_input_spec"`
	Default     bool           `arg:"default_value??"`
	TrueString  optionalString `arg:"true_string??"`
	FalseString optionalString `arg:"false_string??"`
}

type uiChoiceInputSpec struct {
	Part    `builtin:"v1alpha1.ui_choice_input_spec"`
	Choices StringList `arg:"choices??"`
}

type uiHiddenInputSpec struct {
	Part  `builtin:"v1alpha1.ui_hidden_input_spec"`
	Value string `arg:"value??"`
}
