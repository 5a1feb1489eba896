using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Api.Commands;

/// <summary>Why a command does not fit an iPad.</summary>
/// <param name="Code">supervision, ipados-too-old, ipados-too-new, automated-enrolment, shared-ipad-only, not-on-shared-ipad, not-in-user-enrolment, device-channel-only,
/// user-channel-only, access-right, lost-mode-only or shared-ipad-too-old.</param>
/// <param name="Field">Where in the command.</param>
/// <param name="Reason">A sentence.</param>
public sealed record MisfitView(string Code, string Field, string Reason);

/// <summary>Whether a command fits an iPad, for REST and for pages. The rule is <see cref="CommandFitness"/>; the iPad's grain applies it.</summary>
internal static class CommandFit
{
    private const string Command = "requestType";

    public static IReadOnlyList<CommandRequirement>? ToGrain(IReadOnlyList<Requirement> requirements) => requirements.Count == 0
        ? null
        : [.. requirements.Select(one => new CommandRequirement((byte)one.Kind, one.What, one.Field, one.Text))];

    /// <summary>422, with all that speaks against it.</summary>
    public static ApiProblem Problem(IReadOnlyList<CommandMisfit> misfits)
    {
        List<MisfitView> reasons = [.. misfits.Select(misfit => new MisfitView(misfit.Code, CommandReader.Named(misfit.Field, "", Command), misfit.Reason))];
        return new ApiProblem(StatusCodes.Status422UnprocessableEntity, ProblemCodes.DoesNotFit, "The command does not fit this iPad",
            $"{string.Join(' ', reasons.Select(reason => reason.Reason))} Nothing was queued. If what is known of the iPad is old, send \"force\": true.")
        {
            Errors = reasons.GroupBy(reason => reason.Field).ToDictionary(group => group.Key, group => group.Select(reason => reason.Reason).ToArray()),
            More = new Dictionary<string, object> { ["reasons"] = reasons.ToArray() },
        };
    }

    /// <summary>Why this iPad cannot run this command, whatever stands in it; empty: nothing is known that speaks against it.</summary>
    public static IReadOnlyList<string> Reasons(CatalogueType command, DeviceRow row) =>
        [.. CommandFitness.Misfits(CommandFitness.Of(command), Known(row)).Select(misfit => misfit.Reason)];

    /// <summary>What this iPad ignores of a profile that it installs.</summary>
    public static IReadOnlyList<CommandWarning> Ignored(BuiltCommand command, DeviceRow row) =>
        [.. CommandFitness.Misfits(command.Ignored, Known(row)).Select(misfit => new CommandWarning(
            CommandReader.Named(misfit.Field, "", Command), $"{misfit.Reason} It installs the profile, and ignores this."))];

    private static KnownDevice Known(DeviceRow row) => new((KnownKind)row.Kind)
    {
        OsVersion = row.OsVersion,
        IsSupervised = row.IsSupervised,
        IsShared = row.IsShared,
        IsLost = row.IsLost,
        AccessRights = row.AccessRights,
    };
}
