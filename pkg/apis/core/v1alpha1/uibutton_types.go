// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// UIButton is a button that a running Tiltfile defines. A write of its status with a newer lastClickedAt presses it:
// the commands that name it start, with its inputs in their environment. It is kept in memory, by the process that runs
// the Session. It has the same names and labels as a UIResource.
//
// +genclient
// +genclient:nonNamespaced
// +genclient:onlyVerbs=get,list,watch,updateStatus
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:openapi-gen=true
type UIButton struct {
	metav1.TypeMeta `json:",inline"`

	// Standard object metadata. UIButtons are cluster-scoped: they have no namespace.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the Tiltfile says of the button.
	// +optional
	Spec UIButtonSpec `json:"spec,omitempty"`

	// status is when the button was pressed, and with what.
	// +optional
	Status UIButtonStatus `json:"status,omitempty"`
}

// UIButtonList is a list of UIButtons, sorted by name.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:openapi-gen=true
type UIButtonList struct {
	metav1.TypeMeta `json:",inline"`

	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the UIButtons.
	Items []UIButton `json:"items"`
}

// UIButtonSpec is what a button shows and asks for.
type UIButtonSpec struct {
	// location is where the button is shown.
	Location UIComponentLocation `json:"location"`

	// text is what the button says.
	Text string `json:"text"`

	// iconName is the name of its icon in the set "Material Icons".
	// +optional
	IconName string `json:"iconName,omitempty"`

	// iconSVG is its icon as SVG.
	// +optional
	IconSVG string `json:"iconSVG,omitempty"`

	// disabled is true if the button can't be pressed.
	// +optional
	Disabled bool `json:"disabled,omitempty"`

	// requiresConfirmation is true if a person has to confirm before the button counts as pressed.
	// +optional
	RequiresConfirmation bool `json:"requiresConfirmation,omitempty"`

	// inputs are what the button asks for.
	// +optional
	// +listType=atomic
	Inputs []UIInputSpec `json:"inputs,omitempty"`
}

// UIComponentLocation is where a button is shown.
type UIComponentLocation struct {
	// componentID is the name of a UIResource or, of the type Global, of a place such as "nav".
	ComponentID string `json:"componentID"`

	// componentType is Resource or Global.
	ComponentType string `json:"componentType"`
}

// UIInputSpec is one thing that a button asks for: a text, a bool, a choice, or a hidden value. Exactly one of them is
// set.
type UIInputSpec struct {
	// name is that of the environment variable.
	Name string `json:"name"`

	// label is what the input is called.
	// +optional
	Label string `json:"label,omitempty"`

	// text asks for a text.
	// +optional
	Text *UITextInputSpec `json:"text,omitempty"`

	// bool asks for yes or no.
	// +optional
	Bool *UIBoolInputSpec `json:"bool,omitempty"`

	// hidden is a value that isn't asked for.
	// +optional
	Hidden *UIHiddenInputSpec `json:"hidden,omitempty"`

	// choice asks for one of several values.
	// +optional
	Choice *UIChoiceInputSpec `json:"choice,omitempty"`
}

// UITextInputSpec asks for a text.
type UITextInputSpec struct {
	// defaultValue is the text before it is changed.
	// +optional
	DefaultValue string `json:"defaultValue,omitempty"`

	// placeholder is shown while there is no text.
	// +optional
	Placeholder string `json:"placeholder,omitempty"`
}

// UIBoolInputSpec asks for yes or no.
type UIBoolInputSpec struct {
	// defaultValue is the answer before it is changed.
	// +optional
	DefaultValue bool `json:"defaultValue,omitempty"`

	// trueString is the value of the variable for yes, "true" if unset.
	// +optional
	TrueString *string `json:"trueString,omitempty"`

	// falseString is the value of the variable for no, "false" if unset.
	// +optional
	FalseString *string `json:"falseString,omitempty"`
}

// UIHiddenInputSpec is a value that isn't asked for.
type UIHiddenInputSpec struct {
	// value is the value of the variable.
	Value string `json:"value"`
}

// UIChoiceInputSpec asks for one of several values.
type UIChoiceInputSpec struct {
	// choices are the values. The first is the default.
	// +optional
	// +listType=atomic
	Choices []string `json:"choices,omitempty"`
}

// UIButtonStatus is when a button was pressed, and with what.
type UIButtonStatus struct {
	// lastClickedAt is when the button was last pressed. A write with a later time presses it.
	// +optional
	LastClickedAt metav1.MicroTime `json:"lastClickedAt,omitempty"`

	// inputs are the values of the inputs. One that is missing has its default.
	// +optional
	// +listType=atomic
	Inputs []UIInputStatus `json:"inputs,omitempty"`
}

// UIInputStatus is the value of an input. The field that its spec sets is set.
type UIInputStatus struct {
	// name is that of the input.
	Name string `json:"name"`

	// text is the value of a text input.
	// +optional
	Text *UITextInputStatus `json:"text,omitempty"`

	// bool is the value of a bool input.
	// +optional
	Bool *UIBoolInputStatus `json:"bool,omitempty"`

	// hidden is the value of a hidden input.
	// +optional
	Hidden *UIHiddenInputStatus `json:"hidden,omitempty"`

	// choice is the value of a choice input.
	// +optional
	Choice *UIChoiceInputStatus `json:"choice,omitempty"`
}

// UITextInputStatus is the value of a text input.
type UITextInputStatus struct {
	// value is the text.
	Value string `json:"value"`
}

// UIBoolInputStatus is the value of a bool input.
type UIBoolInputStatus struct {
	// value is true for yes.
	Value bool `json:"value"`
}

// UIHiddenInputStatus is the value of a hidden input.
type UIHiddenInputStatus struct {
	// value is that of the spec.
	Value string `json:"value"`
}

// UIChoiceInputStatus is the value of a choice input.
type UIChoiceInputStatus struct {
	// value is one of the choices.
	Value string `json:"value"`
}
