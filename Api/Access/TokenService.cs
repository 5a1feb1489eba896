using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Api.Access;

/// <summary>Makes, lists and revokes API tokens, for REST and for the console. Tokens are a grain's state: what happens to one is recorded before.</summary>
internal sealed class TokenService(IGrainFactory grains, RoleService roles, ISchoolStore schools, TokenVerifier verifier, AuditTrail trail, TimeProvider time)
{
    /// <summary>A token that nobody renews ends within a term.</summary>
    public static readonly TimeSpan Lives = TimeSpan.FromDays(90);
    private const int LongestYears = 10;

    /// <summary>Long enough for a holiday.</summary>
    public static readonly TimeSpan WarnBefore = TimeSpan.FromDays(14);

    /// <summary>Of one token. For more, it is for the district.</summary>
    private const int MostSchools = 100;

    private const int LongestDetail = 200;

    private IAccessGrain Access => grains.GetGrain<IAccessGrain>(IAccessGrain.Key);

    public async Task<TokenMade> Create(HttpContext context, TokenRequest request)
    {
        var name = Text.Required("name", request.Name);
        var role = await roles.Find(Text.Required("role", request.Role).Trim())
            ?? throw ApiProblem.Field("role", $"There is no such role. Those that are always there are {string.Join(", ", Roles.BuiltIn.Select(one => one.Name))}.");
        if (request.Secrets && !role.MayBeGivenSecrets)
            throw ApiProblem.Field("secrets", "Only a viewer's token can be made to see secrets. Choose a role that has the right secret.read, or leave it out.");
        var now = time.GetUtcNow();
        if (request.ExpiresAt is { } asked && asked <= now) throw ApiProblem.Field("expiresAt", "It must lie in the future.");
        if (request.ExpiresAt > now.AddYears(LongestYears)) throw ApiProblem.Field("expiresAt", $"A token is good for {LongestYears} years at most.");

        var forSchools = await Schools(FleetUser.Of(context), request.Schools);
        var secret = ApiToken.From(RequestIds.NewBytes(context, "token-secret", ApiToken.SecretBytes));
        var id = RequestIds.NewGuid(context, "token").ToString("D");
        var maker = FleetUser.Of(context);
        RequireAll(maker, request.Secrets ? [.. role.Rights, Rights.SecretRead] : role.Rights, "A token can have no right that yours has not");
        var where = forSchools is null ? "" : $", for {string.Join(", ", forSchools.Select(school => school.Name))}";
        await trail.Record(context, AuditVerbs.TokenCreate, AuditTargets.Token, id, detail: Text.Printable($"{name} ({role.Title}){where}", LongestDetail));
        var token = await Access.Create(new TokenOrder(
            id, ApiToken.Hash(secret), name, forSchools is null && role.Name == Roles.Administrator ? AccessRole.Administrator : AccessRole.Viewer,
            request.ExpiresAt?.ToUniversalTime() ?? now + Lives, maker.Name, maker.TokenId, forSchools is null && request.Secrets,
            forSchools is not null ? TokenSchools.NoRole : role.Name is Roles.Administrator or Roles.Viewer ? null : role.Name,
            forSchools is null ? null : new TokenSchools { Ids = [.. forSchools.Select(school => school.Id)], Role = role.Name, Secrets = request.Secrets }));
        if (token is null)
        {
            throw ApiProblem.Conflict(ProblemCodes.TooManyTokens, "Too many tokens",
                "There are as many API tokens as there may be. Revoke some; they leave the list after 90 days.");
        }

        if (TokenRole.NameOf(token) != role.Name || token.Schools is null != forSchools is null)
        {
            // A node of the version before keeps the tokens, and has made a viewer's.
            await Access.Revoke(token.Id);
            throw ApiProblem.Conflict(ProblemCodes.NotYet, "Not all nodes know such tokens yet", "An upgrade is under way. Create the token when all nodes are of the new version.");
        }

        return new TokenMade { Token = secret, Description = TokenView.Of(token) with { Schools = forSchools is null ? null : [.. forSchools.Select(TokenSchoolView.Of)] } };
    }

    /// <summary>With the names of their schools.</summary>
    public async Task<IReadOnlyList<TokenView>> Views(IReadOnlyList<TokenDescription> tokens)
    {
        var names = new Dictionary<string, TokenSchoolView>(StringComparer.Ordinal);
        foreach (var id in tokens.SelectMany(token => token.Schools?.Ids ?? []).Distinct(StringComparer.Ordinal))
            names[id] = await schools.Find(Scope.District, id) is { } found ? TokenSchoolView.Of(found.School) : new TokenSchoolView(id, null);
        return [.. tokens.Select(token => TokenView.Of(token) with { Schools = token.Schools is { } at ? [.. at.Ids.Select(id => names[id])] : null })];
    }

    /// <summary>The schools that a token is to be for; null: the whole district.</summary>
    /// <exception cref="ApiProblem">400; 403: the maker's own token is for fewer.</exception>
    private async Task<IReadOnlyList<School>?> Schools(FleetUser maker, IReadOnlyList<string>? asked)
    {
        if (asked is null)
        {
            return maker.IsOfDistrict ? null : throw new ApiProblem(StatusCodes.Status403Forbidden, ProblemCodes.NeedsDistrict, "For the whole district only",
                "Your rights are for some schools only. Name the schools of the new token: yours, or some of them.");
        }

        if (asked.Count is 0 or > MostSchools) throw ApiProblem.Field("schools", $"It must have 1 to {MostSchools} schools. Leave it out for the whole district.");
        var found = new List<School>();
        foreach (var (i, named) in asked.Index())
        {
            var text = Text.Required($"schools[{i}]", named?.Trim());
            var school = (Text.Uuid(text) is { } uuid ? (await schools.Find(maker.Scope, uuid.ToString("D")))?.School : null) ?? await schools.FindByCode(maker.Scope, text) ?? await schools.FindByName(maker.Scope, text);
            if (school is null) throw ApiProblem.Field($"schools[{i}]", "No school has this id, code or name.");
            if (found.TrueForAll(one => one.Id != school.Id)) found.Add(school);
        }

        return found;
    }

    /// <exception cref="ApiProblem">403: nobody can give what they do not have.</exception>
    internal static void RequireAll(FleetUser maker, IReadOnlyList<string> rights, string sentence)
    {
        var missing = rights.Where(right => !maker.May(right)).ToList();
        if (missing.Count == 0) return;
        throw new ApiProblem(StatusCodes.Status403Forbidden, ProblemCodes.NotAllowed, "Not allowed",
            $"{sentence}. Yours has not: {string.Join(", ", missing.Select(right => $"{right} ({Rights.Of(right).Words})"))}.")
        {
            More = new Dictionary<string, object> { ["missingRights"] = missing.ToArray() },
        };
    }

    /// <summary>What an administrator should be told about tokens; null: nothing.</summary>
    public async Task<TokenHint?> Hint(FleetUser reader)
    {
        if (!reader.May(Rights.TokenChange)) return null;
        var now = time.GetUtcNow();
        var tokens = await List();
        var first = tokens.FirstOrDefault(token => token is { CreatedBy: "server", CreatedById: null, RevokedAt: null } && !(token.ExpiresAt <= now));
        var own = tokens.FirstOrDefault(token => token.Id == reader.TokenId)?.ExpiresAt;
        var soon = own - now < WarnBefore ? own : null;
        return first is null && soon is null ? null : new TokenHint(first?.Id, soon);
    }

    /// <summary>Newest first.</summary>
    public Task<IReadOnlyList<TokenDescription>> List() => Access.List();

    /// <summary>A token, and what was made with it and with those, oldest first.</summary>
    /// <exception cref="ApiProblem">404.</exception>
    public async Task<(TokenDescription Token, IReadOnlyList<TokenDescription> Descendants)> Find(string id)
    {
        var all = (await List()).Reverse().ToList();
        var root = all.Find(token => token.Id == Text.Uuid(id)?.ToString("D")) ?? throw ApiProblem.NotFound("There is no token with this id.");
        HashSet<string> tree = [root.Id];
        while (all.Exists(token => token.CreatedById is { } maker && tree.Contains(maker) && tree.Add(token.Id)))
        {
        }

        return (root, all.FindAll(token => token.Id != root.Id && tree.Contains(token.Id)));
    }

    /// <exception cref="ApiProblem">404, or 409 when nobody could administer any more.</exception>
    public async Task Revoke(HttpContext context, string id, bool keepDescendants)
    {
        var (token, made) = await Find(id);
        var ending = keepDescendants ? [] : made.Where(one => one.RevokedAt is null).ToList();
        foreach (var one in ending.Prepend(token))
            RequireAll(FleetUser.Of(context), TokenRole.Of(one).Rights, $"Nobody can revoke a token with more rights than their own. \"{one.Name}\" has more");
        if (token.RevokedAt is null || ending.Count > 0)
        {
            foreach (var one in ending)
                await trail.Write(trail.Entry(context, AuditVerbs.TokenRevoke, AuditTargets.Token, one.Id, detail: $"{one.Name}, made with {token.Name}"));
            await trail.Record(context, AuditVerbs.TokenRevoke, AuditTargets.Token, token.Id, detail: token.Name);
        }

        var outcome = await Access.RevokeTree(token.Id, keepDescendants);
        verifier.Forget();
        if (outcome == TokenRevocation.LastAdministrator)
        {
            throw ApiProblem.Conflict(ProblemCodes.LastAdministrator, "Nobody could administer any more",
                "No administrator's token would be left that works. Make another one first; or, if this one made the others, revoke it alone (descendants=keep).");
        }
    }
}

/// <summary>About tokens, for administrators.</summary>
/// <param name="FirstTokenId">The server's first token still works: it is to be replaced. Null: it does not.</param>
/// <param name="OwnExpiresAt">The reader's own token ends soon.</param>
public sealed record TokenHint(string? FirstTokenId, DateTimeOffset? OwnExpiresAt);
