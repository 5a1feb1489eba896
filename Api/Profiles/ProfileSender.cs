using System.Globalization;
using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Operations;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage.Profiles;

namespace FleetMdm.Api.Profiles;

/// <summary>Sends profiles of the library to iPads, and takes them away: as an operation, for one iPad as for all.</summary>
/// <remarks>A profile with variables is queued once with its variables. Each iPad's grain puts the values in when the iPad comes, and whoever answers the
/// iPad signs it then (<see cref="ProfileDelivery"/>).</remarks>
internal sealed class ProfileSender(IProfileStore store, ProfileSigning signing, OperationPlans plans, IGrainFactory grains, TimeProvider time)
{
    /// <summary>Whether somebody may send profiles to iPads, and take them away.</summary>
    public static bool MaySend(FleetUser user) => user.May(Rights.OperationStart) && user.May(Rights.CommandSend);

    /// <summary>What <see cref="Send"/> would do, now. Nothing is changed.</summary>
    /// <exception cref="ApiProblem">It cannot be asked so.</exception>
    public async Task<OperationPlanView> Plan(HttpContext context, ProfileRow profile, ProfileSendRequest request, bool remove) =>
        await plans.Run(context, (await Planned(context, profile, request, remove)).Planned, prefix: "");

    /// <exception cref="ApiProblem">Nothing was started.</exception>
    public async Task<OperationStarted> Send(HttpContext context, ProfileRow profile, ProfileSendRequest request, bool remove)
    {
        var user = FleetUser.Of(context);
        user.Require(Rights.OperationStart);
        user.Require(Rights.CommandSend);
        var (planned, version) = await Planned(context, profile, request, remove);
        var words = remove ? profile.Newest.Name : string.Create(CultureInfo.InvariantCulture, $"{profile.Newest.Name}, version {version}");
        var expected = OperationEndpoints.Expected(request.Expected);
        var confirmed = await plans.Confirm(context, planned, request.Confirmation, expected);
        var order = new CommandOrder
        {
            CommandUuid = confirmed?.CommandUuid ?? RequestIds.NewCommandUuid(context, time),
            RequestType = planned.Command.RequestType,
            Command = remove ? planned.Command.Fragment : await Command(profile, version),
            ExpiresAt = CommandExpiry.Read(request.ExpiresAt, request.ExpiresInHours, time.GetUtcNow()),
            Push = request.Push,
            Force = planned.Force,
            Requirements = CommandFit.ToGrain(planned.Command.Requirements),
        };
        return await OperationEndpoints.Begin(
            new OperationOrder
            {
                Target = planned.Target,
                Command = order,
                RequestedBy = FleetUser.Of(context).Name,
                Asked = OperationTargetView.Write(new OperationTargetView
                {
                    All = request.Target.All,
                    Filter = request.Target.Filter,
                    HoldersOf = request.Target.Holders is null ? null : profile.Newest.Name,
                    Profile = words,
                }, request.Target.Ids),
                Expected = confirmed?.Count ?? expected,
                MustBeExpected = planned.Command.Destructive,
                Pace = planned.Pace,
                Profile = new ProfileSending
                {
                    ProfileId = profile.Id,
                    Version = version,
                    Remove = remove,
                    HoldersOnly = planned.HoldersOf is not null,
                    Words = words,
                },
            },
            planned, confirmed, await plans.Ignored(planned, prefix: ""), context, grains, time);
    }

    /// <summary>What is asked for, with all that a dry run goes by. The version of an installation is a part of it.</summary>
    private async Task<(PlannedOperation Planned, int Version)> Planned(HttpContext context, ProfileRow profile, ProfileSendRequest request, bool remove)
    {
        if (remove && request.Version is not null) throw ApiProblem.Field("version", "A profile is removed whatever its version is. Leave it out.");
        var version = request.Version ?? profile.Newest.Version;
        var target = PlannedOperation.Within(FleetUser.Of(context), Target(request.Target));
        var asked = string.Create(CultureInfo.InvariantCulture, $"profile {profile.Id}, version {version}: {JsonSerializer.Serialize(request.Target, AdminJson.Default.ProfileTargetRequest)}");
        return (new PlannedOperation(asked, target, remove ? Removal(profile) : await Installation(profile, version), request.Force ?? false)
        {
            HoldersOf = request.Target.Holders == true ? profile.Id : null,
            Pace = OperationPaces.Read(request.Pace, remove ? ProfileCommand.Remove : ProfileCommand.Install, time)?.Write(),
            DryRun = $"Send {(request.Target.Holders == true ? "{\"target\": {\"holders\": true}}" : "the same body")} to /api/v1/profiles/{profile.Id}/{(remove ? "remove" : "install")}?dryRun=true",
        }, version);
    }

    private static BuiltCommand Removal(ProfileRow profile) =>
        new(ProfileCommand.Remove, ProfileCommand.Removing(profile.Identifier), CommandCatalogue.IsDestructive(ProfileCommand.Remove))
        {
            Requirements = CommandFitness.Of(AppleCatalogue.Instance.Commands[ProfileCommand.Remove]),
        };

    /// <summary>Without its bytes: they are signed when it starts.</summary>
    private async Task<BuiltCommand> Installation(ProfileRow profile, int version)
    {
        if (await store.FindVersion(profile.Id, version) is null) throw ApiProblem.Field("version", $"The profile has no such version. The newest is {profile.Newest.Version}.");
        var needs = CommandFitness.OfProfile(LibraryProfile.Stored(await Load(profile, version)).Root);
        return new BuiltCommand(ProfileCommand.Install, [], CommandCatalogue.IsDestructive(ProfileCommand.Install))
        {
            Requirements = CommandFitness.OfInstallation(needs),
            Ignored = needs.Keys,
        };
    }

    /// <summary>A version as a file: signed, unless it has variables, whose places are kept.</summary>
    public async Task<byte[]> File(ProfileRow profile, ProfileVersionRow version)
    {
        var content = await Load(profile, version.Version);
        if (version.Signed || version.Variables.Count > 0) return content;
        try
        {
            return await signing.SignOnce(profile.Id, version.Version, content);
        }
        catch (ProfileNotSignedException e)
        {
            throw new ApiProblem(StatusCodes.Status503ServiceUnavailable, ProblemCodes.Unavailable, "The profile cannot be signed", $"{e.Message} Nothing was sent. Look at the option Profiles:Signing.");
        }
    }

    private async Task<byte[]> Command(ProfileRow profile, int version)
    {
        var row = await store.FindVersion(profile.Id, version)
            ?? throw ApiProblem.Field("version", $"The profile has no such version. The newest is {profile.Newest.Version}.");
        return row.Variables.Count > 0 ? ProfileCommand.Template(await Load(profile, version)) : ProfileCommand.WithProfile(await File(profile, row));
    }

    private async Task<byte[]> Load(ProfileRow profile, int version) =>
        await store.Load(profile.Id, version) ?? throw ApiProblem.NotFound("The profile was deleted in the meantime.");

    private static OperationTarget Target(ProfileTargetRequest target)
    {
        if (target.Holders is not { } holders)
            return OperationEndpoints.Target(new OperationTargetRequest { All = target.All, Ids = target.Ids, Filter = target.Filter }, "all, ids, filter and holders");
        if (!holders) throw ApiProblem.Field("target.holders", "It can only be true; leave it out otherwise.");
        return target is { All: null, Ids: null, Filter: null }
            ? new OperationTarget { All = true }
            : throw ApiProblem.Field("target", "It must have exactly one of all, ids, filter and holders.");
    }
}
