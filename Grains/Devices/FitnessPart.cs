using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Inventory;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Grains.Devices;

/// <summary>Whether a command works on an iPad: from what is stored of it to what the rule (<see cref="CommandFitness"/>) decides by. Pure.</summary>
internal static class FitnessPart
{
    /// <summary>Sorts before <see cref="DeviceRequirement.AutomatedKey"/> and after everything that does.</summary>
    public const string BeforeAutomatedKey = "ManagementStatus.EnrolledViaDE";

    private const string EnableLostMode = "EnableLostMode";

    /// <param name="waiting">The RequestTypes in its queue: what comes before this command.</param>
    /// <param name="isAutomated">Null: it is not known, or nobody needs to know.</param>
    public static IReadOnlyList<CommandMisfit> Misfits(
        DeviceRow row, IEnumerable<string> waiting, bool? isAutomated, IReadOnlyList<CommandRequirement> requirements)
    {
        var known = new KnownDevice((KnownKind)row.Kind)
        {
            OsVersion = row.OsVersion,
            IsSupervised = row.IsSupervised,
            IsShared = row.IsShared,
            IsAutomated = isAutomated,
            // It will be, when the command that waits before this one has run.
            IsLost = row.IsLost == false && waiting.Contains(EnableLostMode, StringComparer.Ordinal) ? null : row.IsLost,
            AccessRights = row.AccessRights,
        };
        return
        [
            .. CommandFitness.Misfits(requirements.Select(one => new Requirement((RequirementKind)one.Kind, one.What, one.Field, one.Text)), known)
                .Select(misfit => new CommandMisfit(misfit.Code, misfit.Field, misfit.Reason)),
        ];
    }

    /// <summary>Whether what <see cref="DeviceRequirement.AutomatedKey"/> says is worth a look into the inventory.</summary>
    public static bool AsksForAutomated(IReadOnlyList<CommandRequirement> requirements) =>
        requirements.Any(one => one.Kind == (byte)RequirementKind.AutomatedEnrolment);

    public static bool? IsAutomated(IReadOnlyList<InventoryItem> found) => found is [{ Key: DeviceRequirement.AutomatedKey } item] ? item.Value == "true" : null;

    /// <summary>What the acknowledgement of a command tells of lost mode; null: nothing.</summary>
    public static bool? LostAfter(string requestType) => requestType switch
    {
        EnableLostMode => true,
        "DisableLostMode" => false,
        _ => null,
    };
}
