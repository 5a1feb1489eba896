using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Apps;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Storage;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Groups;
using FleetMdm.Storage.Operations;
using StoredFilter = FleetMdm.Storage.Devices.DeviceFilter;

namespace FleetMdm.Api.Operations;

/// <summary>What somebody asks to be done to many: a dry run says what would happen, a start does it.</summary>
/// <param name="Asked">What was asked for, as JSON: the same for the dry run and for the start.</param>
internal sealed record PlannedOperation(string Asked, OperationTarget Target, BuiltCommand Command, bool Force)
{
    public static PlannedOperation Of(FleetUser user, OperationTargetRequest asked, BuiltCommand command, bool force) =>
        new(JsonSerializer.Serialize(asked, AdminJson.Default.OperationTargetRequest), Within(user, OperationEndpoints.Target(asked)), command, force);

    /// <summary>No iPad that the rights of the one who asks do not cover, whatever the target says.</summary>
    public static OperationTarget Within(FleetUser user, OperationTarget target) => target with { Schools = user.Scope.SchoolIds };

    /// <summary>A profile of the library: only iPads that it was sent to; null: all of the target.</summary>
    public string? HoldersOf { get; init; }

    /// <summary>How it begins, as the store keeps it; null: on all at once.</summary>
    public string? Pace { get; init; }

    /// <summary>Where its dry run is asked for, in words.</summary>
    public string DryRun { get; init; } = "Send the same request to /api/v1/operations?dryRun=true";

    public bool IsNamed => Target.Ids is not null;

    public Scope Scope => Target.Schools is { } schools ? Scope.Of(schools) : Scope.District;
}

/// <summary>Dry runs of operations: set-based, over what is stored of the iPads. Nothing is changed.</summary>
internal sealed class OperationPlans(IOperationStore store, OperationConfirmations confirmations, HostedAppService apps, IGroupStore groups, TimeProvider time)
{
    public HostedAppService Apps => apps;

    /// <summary>Of each reason.</summary>
    private const int Examples = 5;

    public async Task<OperationPlanView> Run(HttpContext context, PlannedOperation planned, string prefix = "command")
    {
        CommandRights.Require(context, planned.Command.RequestType);
        var plan = await Count(planned);
        var confirmation = plan.Fits > 0 ? confirmations.Make(Matter(context, planned), plan.Fits) : default;
        return new OperationPlanView
        {
            RequestType = planned.Command.RequestType,
            Total = plan.Total,
            Can = plan.Fits,
            Cannot = plan.Total - plan.Fits,
            Reasons = [.. plan.Reasons.Select(Of)],
            UnknownIds = plan.UnknownIds,
            Destructive = planned.Command.Destructive,
            Warnings = [.. CommandReader.Warnings(planned.Command, prefix), .. await Ignored(planned, prefix)],
            Confirmation = confirmation.Token,
            ConfirmationExpiresAt = plan.Fits > 0 ? confirmation.ExpiresAt : null,
        };
    }

    public Task<OperationPlan> Count(PlannedOperation planned) => Count(planned, planned.Force ? [] : planned.Command.Requirements, Examples);

    /// <summary>How many iPads of the target do not meet this.</summary>
    public async Task<long> CountUnmet(PlannedOperation planned, Requirement requirement) =>
        (await Count(planned, [requirement], examples: 0)).Reasons.Sum(reason => reason.Devices);

    /// <summary>What iPads of the target ignore of a profile that they install.</summary>
    public async Task<IReadOnlyList<CommandWarning>> Ignored(PlannedOperation planned, string prefix = "command")
    {
        if (planned.Command.Ignored is not { Count: > 0 } ignored) return [];
        var plan = await Count(planned, ignored, examples: 0);
        return
        [
            .. plan.Reasons.Select(reason => new CommandWarning(
                CommandReader.Named(ignored[reason.Number].Field, prefix, "profile"),
                $"{Words(reason)} {(reason.Devices == 1 ? "1 iPad of the target does not meet this: it installs" : $"{Console.Words.Number(reason.Devices)} iPads of the target do not meet this: they install")} the profile, and {(reason.Devices == 1 ? "ignores" : "ignore")} it.")),
        ];
    }

    private Task<OperationPlan> Count(PlannedOperation planned, IReadOnlyList<Requirement> requirements, int examples) => store.Plan(
        planned.Scope, planned.Target.Ids, planned.Target.Ids is null ? Stored(planned.Target.Filter) : null, ToStore(requirements), examples, planned.HoldersOf);

    /// <summary>What a confirmation says; null: there was none, and none is needed so far.</summary>
    /// <param name="expected">The number of iPads that the caller wrote beside it.</param>
    /// <exception cref="ApiProblem">400, 409: it is not for this, or is needed and not there.</exception>
    public async Task<Confirmation?> Confirm(HttpContext context, PlannedOperation planned, string? confirmation, long? expected)
    {
        var confirmed = await Confirmed(context, planned, confirmation, expected);
        // The store would take a group that does not exist for no iPad: better said now, and at its place.
        if (Stored(planned.Target.Filter).Expression is { } filter) await groups.Check(planned.Scope, filter);
        return confirmed;
    }

    private async Task<Confirmation?> Confirmed(HttpContext context, PlannedOperation planned, string? confirmation, long? expected)
    {
        if (confirmation is not null)
        {
            var confirmed = Read(context, planned, confirmation);
            return expected is null || expected == confirmed.Count ? confirmed : throw ApiProblem.Field("expected", $"The confirmation is for {DeviceOrders.IPads(confirmed.Count)}.");
        }

        // More than one need the confirmation: their number alone does not say that somebody has seen who they are.
        if (planned.Command.Destructive && expected is not (null or 1))
            throw OperationEndpoints.Refusal(planned, expected, (await Count(planned)).Fits, null, mustConfirm: true);
        return null;
    }

    /// <exception cref="ApiProblem">400, 409.</exception>
    public Confirmation Read(HttpContext context, PlannedOperation planned, string confirmation) => confirmations.Read(confirmation, Matter(context, planned));

    private static ConfirmedMatter Matter(HttpContext context, PlannedOperation planned) =>
        new(FleetUser.Of(context).TokenId, planned.Command.RequestType, planned.Command.Fragment, planned.Asked + planned.Pace, planned.Force);

    internal static IReadOnlyList<DeviceRequirement> ToStore(IReadOnlyList<Requirement> requirements) =>
    [
        .. requirements.Select(one => new DeviceRequirement(
            (DeviceRequirementKind)one.Kind, one.What, one.Text, CommandFitness.RightBit(one.Text))),
    ];

    internal static PlanReasonView Of(OperationReason reason) => new()
    {
        Code = CommandFitness.CodeOf((RequirementKind)reason.Requirement.Kind),
        Reason = Words(reason),
        Count = reason.Devices,
        Examples = [.. reason.Examples.Select(row => new PlanExampleView(row.EnrolmentId, row.SerialNumber, row.DeviceName, row.OsVersion))],
    };

    private static string Words(OperationReason reason) =>
        CommandFitness.Sentence(new Requirement((RequirementKind)reason.Requirement.Kind, reason.Requirement.What, "", reason.Requirement.Value));

    private StoredFilter Stored(Grains.Interfaces.DeviceFilter? filter) => filter is null
        ? StoredFilter.Everything
        : new StoredFilter
        {
            Query = filter.Query,
            Status = filter.Status is { } status ? Enum.Parse<EnrolmentStatus>(status) : null,
            School = filter.School,
            ProductName = filter.ProductName,
            OsVersion = filter.OsVersion,
            SerialNumber = filter.SerialNumber,
            Kind = filter.Kind is { } kind ? Enum.Parse<EnrolmentKind>(kind) : null,
            SeenBefore = filter.SeenBefore,
            SeenAfter = filter.SeenAfter,
            Expression = DeviceFilters.Read("target.filter.filter", filter.Expression, time.GetUtcNow()),
        };
}
