using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;

namespace FleetMdm.Api.Access;

/// <summary>Makes, lists and revokes API tokens, for REST and for the console. Tokens are a grain's state: what happens to one is recorded before.</summary>
internal sealed class TokenService(IGrainFactory grains, TokenVerifier verifier, AuditTrail trail, TimeProvider time)
{
    /// <summary>A token that nobody renews ends within a term.</summary>
    public static readonly TimeSpan Lives = TimeSpan.FromDays(90);

    /// <summary>Long enough for a holiday.</summary>
    public static readonly TimeSpan WarnBefore = TimeSpan.FromDays(14);

    private IAccessGrain Access => grains.GetGrain<IAccessGrain>(IAccessGrain.Key);

    public async Task<TokenMade> Create(HttpContext context, TokenRequest request)
    {
        var name = Text.Required("name", request.Name);
        var role = Text.Name<AccessRole>("role", request.Role) ?? throw ApiProblem.Field("role", "It must be viewer or administrator.");
        var now = time.GetUtcNow();
        if (request.ExpiresAt is { } asked && asked <= now) throw ApiProblem.Field("expiresAt", "It must lie in the future.");

        var secret = ApiToken.From(RequestIds.NewBytes(context, "token-secret", ApiToken.SecretBytes));
        var id = RequestIds.NewGuid(context, "token").ToString("D");
        var maker = FleetUser.Of(context);
        await trail.Record(context, AuditVerbs.TokenCreate, AuditTargets.Token, id, detail: $"{name} ({role})");
        var token = await Access.Create(new TokenOrder(
            id, ApiToken.Hash(secret), name, role, request.ExpiresAt?.ToUniversalTime() ?? now + Lives, maker.Name, maker.TokenId, request.Secrets));
        if (token is null)
        {
            throw ApiProblem.Conflict(ProblemCodes.TooManyTokens, "Too many tokens",
                "There are as many API tokens as there may be. Revoke some; they leave the list after 90 days.");
        }

        return new TokenMade { Token = secret, Description = TokenView.Of(token) };
    }

    /// <summary>What an administrator should be told about tokens; null: nothing.</summary>
    public async Task<TokenHint?> Hint(FleetUser reader)
    {
        if (reader.Role != AccessRole.Administrator) return null;
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
        return (root, all.FindAll(token => token.CreatedById is { } maker && tree.Contains(maker) && tree.Add(token.Id)));
    }

    /// <exception cref="ApiProblem">404, or 409 when nobody could administer any more.</exception>
    public async Task Revoke(HttpContext context, string id, bool keepDescendants)
    {
        var (token, made) = await Find(id);
        var ending = keepDescendants ? [] : made.Where(one => one.RevokedAt is null).ToList();
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
