using System.Buffers.Text;
using FleetMdm.Api.Audit;
using FleetMdm.Api.People;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage;
using FleetMdm.Storage.Access;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.People;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Api.Access;

/// <summary>Accounts of people, for administrators: by REST and in the console.</summary>
/// <remarks>Nobody gives what they do not have, and nobody changes an account that may do more than they: a link to set its password would be as good as its
/// rights.</remarks>
internal sealed class AccountService(
    IAccountStore store, RoleService roles, ISchoolStore schools, IPeopleStore people, IGrainFactory grains, TokenVerifier tokens, AccountVerifier verifier, IPasskeyStore passkeys, AuditTrail trail, TimeProvider time)
{
    public const int MostSchools = 50;

    /// <summary>Until the person reads their mail; whoever finds it later finds nothing.</summary>
    public static readonly TimeSpan LinkLives = TimeSpan.FromHours(24);

    private const int LinkBytes = 32;

    private IAccessGrain Access => grains.GetGrain<IAccessGrain>(IAccessGrain.Key);

    public async Task<Page<AccountView>> List(FleetUser reader, string? text, string? after, int limit)
    {
        var last = after is null ? null : (await Row(reader, after))?.UserName ?? throw ApiProblem.InvalidCursor();
        var rows = await store.List(reader.Scope, string.IsNullOrWhiteSpace(text) ? null : Text.Optional("q", text.Trim()), last, limit + 1);
        return Page.Of(rows, limit, AccountView.Of, row => row.Id);
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<AccountView> Get(FleetUser reader, string id) => AccountView.Of(await Row(reader, id) ?? throw NotFound());

    /// <exception cref="ApiProblem">400; 403: rights or schools that the maker lacks; 409: the name is taken.</exception>
    public async Task<AccountMade> Create(HttpContext context, AccountRequest request)
    {
        var maker = FleetUser.Of(context);
        var now = time.GetUtcNow();
        var (read, role) = await Read(maker, request);
        var account = read with { Id = RequestIds.NewGuid(context, "account").ToString("D"), Version = 1, CreatedAt = now, CreatedBy = maker.Name, UpdatedAt = now, UpdatedBy = maker.Name };
        var link = NewLink(context, now);
        Refuse(await store.Create(account, link.Stored, trail.Entry(context, AuditVerbs.AccountCreate, AuditTargets.Account, account.Id, detail: Told(account, role))));
        return new AccountMade { Account = await Get(maker, account.Id), PasswordLink = link.View };
    }

    /// <param name="context">Of the request.</param>
    /// <param name="id">Of the account.</param>
    /// <param name="basedOn">The version that the change was made from; null: whatever stands.</param>
    /// <param name="request">As it is to be.</param>
    /// <exception cref="ApiProblem">400; 403; 404; 409: the name is taken, or nobody could administer any more; 412.</exception>
    public Task<AccountView> Change(HttpContext context, string id, int? basedOn, AccountRequest request) => EntityTag.Attempt(basedOn, async () =>
    {
        var maker = FleetUser.Of(context);
        var standing = await Mine(maker, id);
        var (read, role) = await Read(maker, request);
        var account = read with
        {
            Id = standing.Id,
            Version = (basedOn ?? standing.Version) + 1,
            Issuer = standing.Issuer,
            Subject = standing.Subject,
            CreatedAt = standing.CreatedAt,
            CreatedBy = standing.CreatedBy,
            UpdatedAt = time.GetUtcNow(),
            UpdatedBy = maker.Name,
        };
        Refuse(await Write(context, maker.Scope, standing, account, trail.Entry(context, AuditVerbs.AccountChange, AuditTargets.Account, account.Id, detail: Told(account, role))));
        // Whoever takes schools away from themselves sees the account no more.
        return AccountView.Of(await store.Find(Scope.District, account.Id) ?? throw NotFound());
    });

    /// <summary>Writes it. Tokens that the person made have what the person had then: they end with it.</summary>
    internal async Task<AccountOutcome> Write(HttpContext context, Scope scope, Account standing, Account account, AuditRecord record)
    {
        var outcome = await store.Change(scope, account, Guid.NewGuid().ToString("N"), await AnotherWayIn(account.Id), record);
        if (outcome != AccountOutcome.Written) return outcome;
        verifier.Forget();
        if (account.Disabled || account.Role != standing.Role || !Same(account.Schools, standing.Schools)) await RevokeTokens(context, account, record.Actor);
        return outcome;
    }

    /// <exception cref="ApiProblem">403; 404; 409: nobody could administer any more.</exception>
    public async Task Delete(HttpContext context, string id)
    {
        var maker = FleetUser.Of(context);
        var standing = await Mine(maker, id);
        Refuse(await store.Delete(maker.Scope, standing.Id, await AnotherWayIn(standing.Id), trail.Entry(context, AuditVerbs.AccountDelete, AuditTargets.Account, standing.Id, detail: standing.UserName)));
        verifier.Forget();
        await RevokeTokens(context, standing, by: null);
    }

    /// <summary>A link with which the person sets a new password. The one before ends; the present password works until then.</summary>
    /// <exception cref="ApiProblem">403; 404; 409: the account is disabled.</exception>
    public async Task<(AccountView Account, PasswordLinkView Link)> MakeLink(HttpContext context, string id)
    {
        var maker = FleetUser.Of(context);
        var standing = await Mine(maker, id);
        if (standing.Disabled) throw ApiProblem.Conflict(ProblemCodes.AccountDisabled, "The account is disabled", "Enable the account first.");
        var link = NewLink(context, time.GetUtcNow());
        Refuse(await store.SetLink(maker.Scope, standing.Id, link.Stored, trail.Entry(context, AuditVerbs.AccountLink, AuditTargets.Account, standing.Id, detail: standing.UserName)));
        return (await Get(maker, standing.Id), link.View);
    }

    /// <summary>For somebody who has lost the phone and the recovery codes.</summary>
    /// <exception cref="ApiProblem">403; 404.</exception>
    public async Task RemoveTotp(HttpContext context, string id)
    {
        var maker = FleetUser.Of(context);
        var standing = await Mine(maker, id);
        Refuse(await store.RemoveTotp(maker.Scope, standing.Id, trail.Entry(context, AuditVerbs.AccountTotpRemove, AuditTargets.Account, standing.Id, detail: standing.UserName)));
    }

    /// <summary>For somebody who has lost a device, or of whom others may have added one.</summary>
    /// <exception cref="ApiProblem">403; 404.</exception>
    public async Task RemovePasskeys(HttpContext context, string id)
    {
        var maker = FleetUser.Of(context);
        var standing = await Mine(maker, id);
        if (await passkeys.RemoveAll(maker.Scope, standing.Id, trail.Entry(context, AuditVerbs.AccountPasskeyRemove, AuditTargets.Account, standing.Id, detail: standing.UserName)) is null) throw NotFound();
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<IReadOnlyList<SessionView>> Sessions(FleetUser reader, string id)
    {
        var account = await Row(reader, id) ?? throw NotFound();
        var now = time.GetUtcNow();
        return [.. (await store.ListSessions(account.Id, now, now - AccountVerifier.Idle)).Select(SessionView.Of)];
    }

    /// <exception cref="ApiProblem">403; 404.</exception>
    public async Task<SessionsEnded> EndSessions(HttpContext context, string id)
    {
        var standing = await Mine(FleetUser.Of(context), id);
        await trail.Record(context, AuditVerbs.SessionEnd, AuditTargets.Account, standing.Id, detail: standing.UserName);
        var ended = await store.EndSessions(standing.Id, null, null, null);
        verifier.Forget();
        return new SessionsEnded { Ended = ended };
    }

    /// <summary>What the account of somebody else may do must be within what the reader may.</summary>
    private async Task<Account> Mine(FleetUser maker, string id)
    {
        var standing = await Row(maker, id) ?? throw NotFound();
        if (standing.Id == maker.AccountId) return standing;
        if (await roles.Find(standing.Role) is { } role)
            TokenService.RequireAll(maker, role.Rights, "Nobody can change an account with more rights than their own");
        return standing;
    }

    private async Task<Account?> Row(FleetUser reader, string id) => Text.Uuid(id) is { } uuid ? await store.Find(reader.Scope, uuid.ToString("D")) : null;

    private async Task<(Account Account, Role Role)> Read(FleetUser maker, AccountRequest request)
    {
        var userName = Text.Required("userName", request.UserName?.Trim(), SignInService.LongestName);
        if (userName.Any(char.IsWhiteSpace)) throw ApiProblem.Field("userName", "It must have no blanks: an e-mail address, or a name such as anna.lind.");
        var role = await roles.Find(Text.Required("role", request.Role).Trim())
            ?? throw ApiProblem.Field("role", $"There is no such role. Those that are always there are {string.Join(", ", Roles.BuiltIn.Select(one => one.Name))}.");
        TokenService.RequireAll(maker, role.Rights, "An account can have no right that you have not");
        var personId = string.IsNullOrEmpty(request.PersonId) ? null : PeopleService.Id("personId", request.PersonId);
        if (personId is not null && await people.Find(maker.Scope, personId) is null) throw ApiProblem.Field("personId", "There is no such person.");
        return (new Account
        {
            Id = "",
            Version = 0,
            UserName = userName,
            Name = Text.Required("name", request.Name?.Trim()),
            Role = role.Name,
            Schools = await ReadSchools(maker, request.SchoolIds),
            Disabled = request.Disabled,
            PersonId = personId,
            CreatedAt = default,
            CreatedBy = "",
            UpdatedAt = default,
            UpdatedBy = "",
        }, role);
    }

    private async Task<IReadOnlyList<string>?> ReadSchools(FleetUser maker, IReadOnlyList<string>? ids)
    {
        if (ids is null)
        {
            return maker.Scope.SchoolIds is null ? null : throw new ApiProblem(StatusCodes.Status403Forbidden, ProblemCodes.NotAllowed, "Not allowed",
                "An account can have no school that you have not. Name schools of yours (schoolIds).");
        }

        if (ids.Count is 0 or > MostSchools) throw ApiProblem.Field("schoolIds", $"Name 1 to {MostSchools} schools, or leave it out for the whole district.");
        var read = new SortedSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < ids.Count; i++)
        {
            var id = PeopleService.Id($"schoolIds[{i}]", ids[i]);
            // One that the maker's rights do not cover does not exist for them.
            if (await schools.Find(maker.Scope, id) is null) throw ApiProblem.Field($"schoolIds[{i}]", "There is no such school.");
            read.Add(id);
        }

        return [.. read];
    }

    private static (PasswordLink Stored, PasswordLinkView View) NewLink(HttpContext context, DateTimeOffset now)
    {
        var secret = Base64Url.EncodeToString(RequestIds.NewBytes(context, "password-link", LinkBytes));
        var stored = new PasswordLink(SignInService.Hash(secret), now + LinkLives);
        return (stored, new PasswordLinkView { Url = $"{context.Request.Scheme}://{context.Request.Host}{SetPasswordPages.Path}/{secret}", ExpiresAt = stored.Until });
    }

    /// <summary>Whether an administrator's token works that does not end with this account.</summary>
    private async Task<bool> AnotherWayIn(string account)
    {
        var now = time.GetUtcNow();
        return (await Access.List()).Any(token =>
            token is { Role: AccessRole.Administrator, Schools: null } && token.CreatedById != account && token.RevokedAt is null && !(token.ExpiresAt <= now));
    }

    /// <summary>Whoever cannot sign in any more has no token either: those that they made end, and those that were made with these.</summary>
    /// <param name="by">Whom the records name; null: who sent the request.</param>
    private async Task RevokeTokens(HttpContext context, Account account, AuditActor? by)
    {
        foreach (var token in (await Access.List()).Where(token => token.CreatedById == account.Id && token.RevokedAt is null))
        {
            var entry = trail.Entry(context, AuditVerbs.TokenRevoke, AuditTargets.Token, token.Id, detail: $"{token.Name}, made by {account.UserName}");
            await trail.Write(by is null ? entry : entry with { Actor = by });
        }

        await Access.RevokeMadeBy(account.Id);
        tokens.Forget();
    }

    internal static bool Same(IReadOnlyList<string>? one, IReadOnlyList<string>? other) =>
        one is null || other is null ? one is null && other is null : one.ToHashSet(StringComparer.Ordinal).SetEquals(other);

    private static string Told(Account account, Role role) =>
        Text.Printable($"{account.UserName} ({role.Title}{(account.Schools is { } schools ? $", {schools.Count} schools" : "")}{(account.Disabled ? ", disabled" : "")})", 200);

    private static void Refuse(AccountOutcome outcome)
    {
        switch (outcome)
        {
            case AccountOutcome.Written:
                return;
            case AccountOutcome.NotFound:
                throw NotFound();
            case AccountOutcome.VersionConflict:
                throw EntityTag.Changed("the account");
            case AccountOutcome.NameTaken:
                throw ApiProblem.Taken("userName", ProblemCodes.NameTaken, "Another account has this user name.");
            case AccountOutcome.TooMany:
                throw ApiProblem.Conflict(ProblemCodes.TooMany, "There are too many accounts", $"There can be {IAccountStore.MostAccounts}. Delete those that nobody needs.");
            case AccountOutcome.LastAdministrator:
                throw ApiProblem.Conflict(ProblemCodes.LastAdministrator, "Nobody could administer any more",
                    "It is the last account of an administrator that works, and no administrator's token does. Create another administrator first.");
            case AccountOutcome.SubjectTaken:
            default:
                throw ApiProblem.Conflict(ProblemCodes.NameTaken, "It is taken", "Another account belongs to this person of the provider.");
        }
    }

    private static ApiProblem NotFound() => ApiProblem.NotFound("There is no such account.");
}
