using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Grains.Operations;

/// <summary>What a command asks of iPads, from the words of the catalogue to those of the store, and back. Pure.</summary>
internal static class RequirementPart
{
    public static IReadOnlyList<DeviceRequirement> ToStore(IReadOnlyList<CommandRequirement>? requirements) =>
    [
        .. (requirements ?? []).Select(one => new DeviceRequirement(
            (DeviceRequirementKind)one.Kind, one.What, one.Text, CommandFitness.RightBit(one.Text))),
    ];

    /// <summary>Null: there are none.</summary>
    public static IReadOnlyList<LeftOutReason>? ToWords(IReadOnlyList<OperationReason> reasons) =>
        reasons.Count == 0 ? null : [.. reasons.Select(reason => ToWords(reason.Requirement) is var words
            ? new LeftOutReason(words.Code, words.Sentence, reason.Devices, reason.Number) : null!)];

    private static (string Code, string Sentence) ToWords(DeviceRequirement requirement)
    {
        var kind = (RequirementKind)requirement.Kind;
        return (CommandFitness.CodeOf(kind), CommandFitness.Sentence(new Requirement(kind, requirement.What, "", requirement.Value)));
    }
}
