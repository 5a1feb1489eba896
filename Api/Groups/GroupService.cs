using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Devices;
using FleetMdm.Api.People;
using FleetMdm.Api.Placeholders;
using FleetMdm.Api.Rest;
using FleetMdm.Storage;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Groups;

namespace FleetMdm.Api.Groups;

/// <summary>Groups of iPads, for REST and for the console.</summary>
internal sealed class GroupService(IGroupStore store, IFleetQueries fleet, DeviceLookup lookup, AuditTrail trail, TimeProvider time)
{
    public const int LongestNote = 500;
    public const int MostNames = 10_000;

    private const int LongestIdentifier = 128;
    private const int MostUsers = 5;

    public async Task<Page<GroupView>> List(FleetUser reader, string? text, string? after, int limit)
    {
        var last = after is null ? null : (await Row(reader, after))?.Group.Name ?? throw ApiProblem.InvalidCursor();
        var rows = await store.List(reader.Scope, string.IsNullOrWhiteSpace(text) ? null : Text.Optional("q", text.Trim()), last, limit + 1);
        return Page.Of(rows, limit, GroupView.Of, row => row.Group.Id);
    }

    /// <summary>With the number of its iPads.</summary>
    /// <exception cref="ApiProblem">404.</exception>
    public async Task<GroupView> Get(FleetUser reader, string id)
    {
        var group = GroupView.Of(await Row(reader, id) ?? throw NotFound());
        return group with
        {
            IPads = await fleet.Count(reader.Scope, Enrolled(group.Filter)),
            Waiting = group.Rule is null ? await store.CountWaiting(reader.Scope, group.Id) : null,
        };
    }

    /// <summary>iPads that were put in by their serial number, and are not enrolled.</summary>
    /// <exception cref="ApiProblem">404.</exception>
    public async Task<Page<WaitingMemberView>> Waiting(FleetUser reader, string id, string? after, int limit)
    {
        var group = (await Row(reader, id))?.Group ?? throw NotFound();
        if (after is not null && PlaceholderCsv.SerialFault(after) is not null) throw ApiProblem.InvalidCursor();
        return Page.Of(await store.ListWaiting(reader.Scope, group.Id, after, limit + 1), limit, WaitingMemberView.Of, row => row.SerialNumber);
    }

    public async Task<DeviceGroupsView> Of(FleetUser reader, string deviceId)
    {
        var device = await lookup.Row(deviceId);
        return new DeviceGroupsView { Items = [.. (await store.ListOf(reader.Scope, device.Id, time.GetUtcNow())).Select(GroupView.Of)] };
    }

    /// <summary>What a rule finds now: how many, and some of them.</summary>
    /// <exception cref="ApiProblem">400: it cannot be read.</exception>
    public async Task<(long Total, IReadOnlyList<DeviceRow> Some)> Try(FleetUser reader, string rule, int examples)
    {
        Rule(rule);
        try
        {
            var filter = Enrolled(rule);
            return (await fleet.Count(reader.Scope, filter), await fleet.ListDevices(reader.Scope, filter, null, examples, new DeviceOrder(DeviceSort.Name)));
        }
        catch (FilterException e)
        {
            throw WrongRule(e);
        }
    }

    public async Task<GroupView> Create(HttpContext context, GroupRequest request)
    {
        var user = FleetUser.Of(context);
        var now = time.GetUtcNow();
        var group = Read(request) with
        {
            Id = RequestIds.NewGuid(context, "group").ToString("D"),
            Version = 1,
            CreatedAt = now,
            CreatedBy = user.Name,
            UpdatedAt = now,
            UpdatedBy = user.Name,
        };
        await Write(user, () => store.Create(user.Scope, group, trail.Entry(context, AuditVerbs.GroupCreate, AuditTargets.Group, group.Id, detail: Told(group))), group);
        return await Get(user, group.Id);
    }

    /// <param name="basedOn">The version that the change was made from; null: whatever stands.</param>
    public Task<GroupView> Change(HttpContext context, string id, int? basedOn, GroupRequest request) => EntityTag.Attempt(basedOn, async () =>
    {
        var user = FleetUser.Of(context);
        var standing = (await Row(user, id))?.Group ?? throw NotFound();
        var group = Read(request) with
        {
            Id = standing.Id,
            Version = (basedOn ?? standing.Version) + 1,
            CreatedAt = standing.CreatedAt,
            CreatedBy = standing.CreatedBy,
            UpdatedAt = time.GetUtcNow(),
            UpdatedBy = user.Name,
        };
        await Write(user, () => store.Change(user.Scope, group, trail.Entry(context, AuditVerbs.GroupChange, AuditTargets.Group, group.Id, detail: Told(group))), group);
        return await Get(user, group.Id);
    });

    public async Task Delete(HttpContext context, string id)
    {
        var user = FleetUser.Of(context);
        var group = (await Row(user, id))?.Group ?? throw NotFound();
        await Write(user, () => store.Delete(user.Scope, group.Id, trail.Entry(context, AuditVerbs.GroupDelete, AuditTargets.Group, group.Id, detail: Told(group))), group);
    }

    public Task<GroupMembersView> Add(HttpContext context, string id, GroupMembersRequest request) =>
        Members(context, id, request, "in", (scope, group, choice, audit) => store.Add(scope, group, choice, time.GetUtcNow(), audit));

    public Task<GroupMembersView> Remove(HttpContext context, string id, GroupMembersRequest request) =>
        Members(context, id, request, "out", (scope, group, choice, audit) => store.Remove(scope, group, choice, time.GetUtcNow(), audit));

    private async Task<GroupMembersView> Members(
        HttpContext context, string id, GroupMembersRequest request, string way, Func<Scope, string, MemberChoice, Func<long, AuditRecord?>, Task<MembersOutcome>> write)
    {
        var user = FleetUser.Of(context);
        var group = (await Row(user, id))?.Group ?? throw NotFound();
        var choice = Read(request);
        var what = request.Filter is null ? "" : ", by a filter";
        try
        {
            var done = await write(user.Scope, group.Id, choice,
                count => trail.Entry(context, AuditVerbs.GroupMembers, AuditTargets.Group, group.Id, detail: $"{Text.Printable(group.Name, 100)}: {count} {way}{what}"));
            await Refuse(user, done.Outcome, group, done.Unknown);
            return new GroupMembersView { Changed = done.Changed };
        }
        catch (FilterException e)
        {
            throw ApiProblem.Field("filter", e.Message, ProblemCodes.InvalidFilter);
        }
    }

    private MemberChoice Read(GroupMembersRequest request)
    {
        var filter = string.IsNullOrWhiteSpace(request.Filter) ? null : request.Filter;
        if (request.IPads is null == filter is null) throw ApiProblem.Field("iPads", "Send exactly one of iPads and filter.");
        if (filter is not null) return new MemberChoice(null, new DeviceFilter { Expression = DeviceFilters.Read("filter", filter, time.GetUtcNow()) });
        if (request.IPads!.Count is 0 or > MostNames) throw ApiProblem.Field("iPads", $"It must have 1 to {MostNames} ids or serial numbers, but has {request.IPads.Count}.");
        return new MemberChoice([.. request.IPads.Select((name, i) => Name($"iPads[{i}]", name)).Distinct(StringComparer.Ordinal)], null);
    }

    /// <summary>An id in its one spelling; a serial number as people copy it.</summary>
    private static string Name(string field, string? name)
    {
        var text = Text.Required(field, name?.Trim(), LongestIdentifier);
        return Text.EnrolmentId(text) ?? text.ToUpperInvariant();
    }

    private async Task Write(FleetUser user, Func<Task<GroupOutcome>> write, DeviceGroup group)
    {
        try
        {
            await Refuse(user, await write(), group, null);
        }
        catch (FilterException e)
        {
            throw WrongRule(e);
        }
    }

    private async Task Refuse(FleetUser user, GroupOutcome outcome, DeviceGroup group, IReadOnlyList<string>? unknown)
    {
        switch (outcome)
        {
            case GroupOutcome.Written:
                return;
            case GroupOutcome.NotFound:
                throw NotFound();
            case GroupOutcome.VersionConflict:
                throw EntityTag.Changed("the group");
            case GroupOutcome.NameTaken:
                throw ApiProblem.Taken("name", ProblemCodes.NameTaken, "Another group has this name.");
            case GroupOutcome.UnknownSchool:
                throw ApiProblem.Field("schoolId", group.SchoolId is null ? "Your rights are for some schools only. Name one of them." : "There is no such school.");
            case GroupOutcome.TooManyMembers:
                throw ApiProblem.Conflict(ProblemCodes.TooMany, "There are too many iPads", $"At most {IGroupStore.MostMembers} can be chosen by hand for one group. Use a rule.");
            case GroupOutcome.TooMany:
            case GroupOutcome.TooManyRules:
                throw ApiProblem.Conflict(ProblemCodes.TooMany, "There are too many groups",
                    $"There can be {IGroupStore.MostGroups} groups, of which {IGroupStore.MostRules} have a rule.");
            case GroupOutcome.HasRule:
                throw ApiProblem.Conflict(ProblemCodes.GroupHasRule, "The group has a rule", "Its iPads come and go by its rule. Change the rule.");
            case GroupOutcome.UnknownDevices:
                throw ApiProblem.Field("iPads", $"Nothing was changed. No iPad that is enrolled or known, or more than one, has this id or serial number: {string.Join(", ", unknown!)}.");
            case GroupOutcome.HasProfile:
                throw ApiProblem.Conflict(ProblemCodes.InUse, "The group has an enrolment profile", "An enrolment profile is chosen for this group. Only a group by hand can have one. Somebody who may change automated enrolment takes it away first.");
            case GroupOutcome.InUse:
            default:
                var users = await store.ListUsers(user.Scope, group.Id, MostUsers);
                throw ApiProblem.Conflict(ProblemCodes.InUse, "The group is in use", users.Count == 0
                    ? "The rule of another group, an assignment or an exam names it, which is not of your schools."
                    : $"The rule of another group, an assignment or an exam names it: {string.Join(", ", users)}. Change that first.");
        }
    }

    private async Task<GroupRow?> Row(FleetUser reader, string id) =>
        Text.Uuid(id) is { } uuid ? await store.Find(reader.Scope, uuid.ToString("D")) : null;

    /// <summary>The enrolled iPads that a filter finds now.</summary>
    public DeviceFilter Enrolled(string filter) => new()
    {
        Status = EnrolmentStatus.Enrolled,
        Kind = EnrolmentKind.Device,
        Expression = DeviceExpression.Parse(filter, time.GetUtcNow()),
    };

    private static DeviceGroup Read(GroupRequest request) => new()
    {
        Id = "",
        Version = 0,
        Name = Text.Required("name", request.Name).Trim(),
        SchoolId = string.IsNullOrEmpty(request.SchoolId) ? null : PeopleService.Id("schoolId", request.SchoolId),
        Note = Text.Optional("note", request.Note?.Trim(), LongestNote),
        Rule = Rule(request.Rule),
        CreatedAt = default,
        CreatedBy = "",
        UpdatedAt = default,
        UpdatedBy = "",
    };

    private static string? Rule(string? rule) => string.IsNullOrWhiteSpace(rule) ? null : DeviceFilters.Check("rule", rule.Trim());

    private static ApiProblem WrongRule(FilterException e) => ApiProblem.Field("rule", e.Message, ProblemCodes.InvalidFilter);

    private static string Told(DeviceGroup group) => Text.Printable(group.Rule is null ? group.Name : $"{group.Name}: {group.Rule}", 200);

    private static ApiProblem NotFound() => ApiProblem.NotFound("There is no such group.");
}
