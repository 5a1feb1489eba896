using System.Text.RegularExpressions;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Access;
using FleetMdm.Storage.Audit;

namespace FleetMdm.Api.Access;

/// <summary>Roles, for REST and for the console: those that are always there, and those that were added. They are a grain's state: what happens to one is recorded
/// before.</summary>
internal sealed partial class RoleService(IGrainFactory grains, TokenVerifier verifier, IAccountStore accounts, AuditTrail trail, TimeProvider time)
{
    public const int LongestName = 40;
    public const int LongestTitle = 60;
    public const int LongestWords = 200;

    private IAccessGrain Access => grains.GetGrain<IAccessGrain>(IAccessGrain.Key);

    /// <summary>By its name, in whatever case; null: there is none.</summary>
    public async Task<Role?> Find(string name)
    {
        var lower = name.ToLowerInvariant();
        return Roles.Find(lower) ?? (await Access.ListRoles()).FirstOrDefault(role => role.Name == lower) switch
        {
            { } own => Own(own),
            null => null,
        };
    }

    /// <summary>Those that are always there first.</summary>
    public async Task<IReadOnlyList<RoleView>> List()
    {
        var now = time.GetUtcNow();
        var used = (await Access.List()).Where(token => token.RevokedAt is null && !(token.ExpiresAt <= now)).CountBy(TokenRole.NameOf).ToDictionary();
        return
        [
            .. Roles.BuiltIn.Select(role => RoleView.Of(role, null, used.GetValueOrDefault(role.Name))),
            .. (await Access.ListRoles()).Select(role => RoleView.Of(Own(role), role, used.GetValueOrDefault(role.Name))),
        ];
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<RoleView> Get(string name) => (await List()).FirstOrDefault(role => role.Name == name) ?? throw NotFound();

    /// <exception cref="ApiProblem">403: rights that the maker lacks; 409: the name is taken.</exception>
    public async Task<RoleView> Add(HttpContext context, RoleRequest request)
    {
        var name = Text.Required("name", request.Name, LongestName).Trim();
        if (!NameForm().IsMatch(name)) throw ApiProblem.Field("name", "It must have lower-case letters, digits and hyphens, and begin with a letter.");
        if (Roles.Find(name) is not null) throw Taken();
        var order = Order(FleetUser.Of(context), name, request.Title, request.Words, request.Rights);
        await trail.Record(context, AuditVerbs.RoleCreate, AuditTargets.Role, name, detail: Cut($"{order.Title}: {string.Join(", ", order.Rights)}"));
        Refuse(await Access.AddRole(order));
        return await Get(name);
    }

    /// <param name="basedOn">The version that the change was made from; null: whatever stands.</param>
    /// <exception cref="ApiProblem">403; 404; 409: it is always there; 412.</exception>
    public async Task<RoleView> Change(HttpContext context, string name, int? basedOn, RoleChange request)
    {
        var standing = await OfOwn(name, "changed");
        var order = Order(FleetUser.Of(context), name, request.Title, request.Words, request.Rights);
        // Nobody takes away from those who may do more than they.
        TokenService.RequireAll(FleetUser.Of(context), standing.Rights, "Nobody can change a role with more rights than their own");
        // The same again leaves no record: it changes nothing.
        if (standing.Title == order.Title && standing.Words == order.Words && standing.Rights.SequenceEqual(order.Rights, StringComparer.Ordinal)) return standing;
        if (basedOn is { } version && version != standing.Version) throw EntityTag.Changed("the role");
        await trail.Record(context, AuditVerbs.RoleChange, AuditTargets.Role, name, detail: Cut(Difference(standing, order)));
        Refuse(await Access.ChangeRole(order, basedOn));
        verifier.Forget();
        return await Get(name);
    }

    /// <exception cref="ApiProblem">403; 404; 409: it is always there, or a token has it.</exception>
    public async Task Delete(HttpContext context, string name)
    {
        var standing = await OfOwn(name, "deleted");
        TokenService.RequireAll(FleetUser.Of(context), standing.Rights, "Nobody can delete a role with more rights than their own");
        if (standing.Tokens > 0) throw InUse();
        if (await accounts.CountOfRole(name) > 0) throw ApiProblem.Conflict(ProblemCodes.InUse, "The role is in use", "An account has this role. Give its people another role first.");
        await trail.Record(context, AuditVerbs.RoleDelete, AuditTargets.Role, name, detail: standing.Title);
        Refuse(await Access.DeleteRole(name));
    }

    private async Task<RoleView> OfOwn(string name, string what)
    {
        var standing = await Get(name);
        return standing.BuiltIn
            ? throw ApiProblem.Conflict(ProblemCodes.RoleIsBuiltIn, "It is always there", $"The role {name} cannot be {what}. Add a role of your own with the rights that you want.")
            : standing;
    }

    private static RoleOrder Order(FleetUser maker, string name, string title, string? words, IReadOnlyList<string> rights)
    {
        if (rights.Count > Rights.All.Count) throw ApiProblem.Field("rights", $"There are {Rights.All.Count} rights.");
        var known = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < rights.Count; i++)
        {
            if (!Rights.IsKnown(rights[i])) throw ApiProblem.Field($"rights[{i}]", "There is no such right. GET /api/v1/rights lists them.");
            known.Add(rights[i]);
        }

        if (known.Count == 0) throw ApiProblem.Field("rights", "Name at least one right.");
        foreach (var right in known)
        {
            if (Rights.Of(right).With is { } other && !known.Contains(other))
                throw ApiProblem.Field("rights", $"{right} ({Rights.Of(right).Words}) needs {other} ({Rights.Of(other).Words}) too.");
        }

        // As they stand in the list of rights, whatever order they came in.
        string[] ordered = [.. Rights.All.Select(right => right.Name).Where(known.Contains)];
        TokenService.RequireAll(maker, ordered, "A role can have no right that your token has not");
        return new RoleOrder(
            name, Text.Required("title", title, LongestTitle).Trim(), Text.Optional("words", words?.Trim(), LongestWords) ?? "", ordered, maker.Name);
    }

    private static Role Own(RoleDescription role) => new(role.Name, role.Title, role.Words, [.. role.Rights.Where(Rights.IsKnown)]);

    private static string Difference(RoleView before, RoleOrder after)
    {
        var (more, less) = (after.Rights.Except(before.Rights).ToList(), before.Rights.Except(after.Rights).ToList());
        return after.Title + (more.Count > 0 ? $"; added: {string.Join(", ", more)}" : "") + (less.Count > 0 ? $"; taken away: {string.Join(", ", less)}" : "");
    }

    private static string Cut(string detail) => Text.Printable(detail, LongestWords);

    private static void Refuse(RoleOutcome outcome)
    {
        switch (outcome)
        {
            case RoleOutcome.Written:
                return;
            case RoleOutcome.UnknownRole:
                throw NotFound();
            case RoleOutcome.NameTaken:
                throw Taken();
            case RoleOutcome.VersionConflict:
                throw EntityTag.Changed("the role");
            case RoleOutcome.TooMany:
                throw ApiProblem.Conflict(ProblemCodes.TooMany, "There are too many roles", "Delete roles that nobody needs.");
            case RoleOutcome.InUse:
            default:
                throw InUse();
        }
    }

    private static ApiProblem InUse() => ApiProblem.Conflict(ProblemCodes.InUse, "The role is in use", "A token has this role. Revoke its tokens first.");

    private static ApiProblem Taken() => ApiProblem.Taken("name", ProblemCodes.NameTaken, "Another role has this name.");

    private static ApiProblem NotFound() => ApiProblem.NotFound("There is no such role.");

    [GeneratedRegex(@"^[a-z][a-z0-9-]*\z")]
    private static partial Regex NameForm();
}
