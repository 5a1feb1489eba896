using System.Security.Cryptography;
using FleetMdm.Storage.Access;
using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresAccountStoreTests(PostgresFixture fixture) : AccountStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteAccountStoreTests(SqliteFixture fixture) : AccountStoreTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>Accounts, what people sign in with, and their sessions: the same on both databases.</summary>
public abstract class AccountStoreTests(StoreFixture fixture)
{
    private static readonly TimeSpan Idle = TimeSpan.FromHours(2);

    private static string Stamp() => Guid.NewGuid().ToString("N");

    private static byte[] Bytes() => RandomNumberGenerator.GetBytes(32);

    private static Account New(string userName, string role = "viewer", params string[]? schools) => new()
    {
        Id = Guid.NewGuid().ToString(),
        Version = 1,
        UserName = userName,
        Name = "Name of " + userName,
        Role = role,
        Schools = schools is { Length: > 0 } ? schools : null,
        CreatedAt = Make.Now,
        CreatedBy = "ada",
        UpdatedAt = Make.Now,
        UpdatedBy = "ada",
    };

    private async Task<Node> Fresh() => await (await fixture.CreateAnother()).OpenNode();

    /// <summary>One that can sign in with a password.</summary>
    private static async Task<AccountWithKeys> Working(Node node, Account account)
    {
        var link = Bytes();
        Assert.Equal(AccountOutcome.Written, await node.Accounts.Create(account, new PasswordLink(link, Make.Now.AddHours(24)), null));
        Assert.Equal(AccountOutcome.Written, await node.Accounts.SetPasswordByLink(link, "hash", Stamp(), Make.Now, null));
        return (await node.Accounts.FindByName(account.UserName))!;
    }

    private static AccountSession Session(AccountWithKeys of, DateTimeOffset? at = null) => new()
    {
        Id = Guid.NewGuid().ToString(),
        AccountId = of.Account.Id,
        SecretSha256 = Bytes(),
        Stamp = of.Stamp,
        Way = "password",
        Address = "192.0.2.1",
        Browser = "Firefox, Linux",
        BegunAt = at ?? Make.Now,
        SeenAt = at ?? Make.Now,
        EndsAt = (at ?? Make.Now).AddHours(12),
    };

    private static async Task<AccountSession> Begun(Node node, AccountWithKeys of)
    {
        var session = Session(of);
        Assert.Equal(SessionOutcome.Begun, await node.Accounts.BeginSession(session, null, null, null, null));
        return session;
    }

    private static async Task<bool> Lives(Node node, AccountSession session, TimeSpan after = default) =>
        await node.Accounts.FindSession(session.SecretSha256, Make.Now + after, Make.Now + after - Idle) is not null;

    [Fact]
    public async Task An_account_is_kept_as_it_was_written_found_in_any_case_and_listed_page_by_page()
    {
        await using var node = await Fresh();
        var (anna, bo, cia) = (New("Anna.Lind@example.org", "helpdesk", "b", "a") with { Issuer = "https://id.example", Subject = "1" }, New("bo"), New("Cia"));
        foreach (var account in (Account[])[cia, anna, bo]) Assert.Equal(AccountOutcome.Written, await node.Accounts.Create(account, null, null));

        var kept = await node.Accounts.FindByName("ANNA.lind@example.org");
        Assert.Equal(anna with { Schools = ["a", "b"] }, kept!.Account);
        Assert.Null(kept.PasswordHash);
        Assert.Null(kept.Account.PasswordAt);
        Assert.Equal(anna.Id, (await node.Accounts.FindBySubject("https://id.example", "1"))!.Id);
        Assert.Null(await node.Accounts.FindBySubject("https://other.example", "1"));
        Assert.Equal(["Anna.Lind@example.org", "bo"], (await node.Accounts.List(Scope.District, null, null, 2)).Select(account => account.UserName));
        Assert.Equal(["Cia"], (await node.Accounts.List(Scope.District, null, "BO", 2)).Select(account => account.UserName));
        Assert.Equal(["bo"], (await node.Accounts.List(Scope.District, "OF B", null, 9)).Select(account => account.UserName));
        Assert.Equal(1, await node.Accounts.CountOfRole("helpdesk"));
        Assert.Equal(AccountOutcome.NameTaken, await node.Accounts.Create(New("BO"), null, null));
        Assert.Equal(AccountOutcome.SubjectTaken, await node.Accounts.Create(New("dan") with { Issuer = "https://id.example", Subject = "1" }, null, null));
    }

    [Fact]
    public async Task An_account_is_covered_when_all_of_its_schools_are()
    {
        await using var node = await Fresh();
        var (district, one, two) = (New("district"), New("one", "viewer", "n"), New("two", "viewer", "n", "s"));
        foreach (var account in (Account[])[district, one, two]) await node.Accounts.Create(account, null, null);

        async Task<IEnumerable<string>> Seen(Scope scope) => (await node.Accounts.List(scope, null, null, 9)).Select(account => account.UserName);
        Assert.Equal(["one"], await Seen(Scope.Of(["n"])));
        Assert.Equal(["one", "two"], await Seen(Scope.Of(["n", "s", "x"])));
        Assert.Empty(await Seen(Scope.Of([])));
        Assert.Null(await node.Accounts.Find(Scope.Of(["n"]), two.Id));
        Assert.Equal(AccountOutcome.NotFound, await node.Accounts.Delete(Scope.Of(["n"]), district.Id, true, null));
        Assert.Equal(AccountOutcome.NotFound, await node.Accounts.SetLink(Scope.Of(["n"]), two.Id, new PasswordLink(Bytes(), Make.Now), null));
        Assert.Equal(AccountOutcome.NotFound, await node.Accounts.RemoveTotp(Scope.Of(["s"]), one.Id, null));
        Assert.Equal(AccountOutcome.NotFound, await node.Accounts.Change(Scope.Of(["s"]), one with { Version = 2 }, Stamp(), true, null));
    }

    [Fact]
    public async Task A_link_sets_a_password_once_and_ends_all_sessions()
    {
        await using var node = await Fresh();
        var account = await Working(node, New("anna"));
        var session = await Begun(node, account);
        var (old, link) = (Bytes(), Bytes());
        await node.Accounts.SetLink(Scope.District, account.Account.Id, new PasswordLink(old, Make.Now.AddHours(24)), null);
        await node.Accounts.SetLink(Scope.District, account.Account.Id, new PasswordLink(link, Make.Now.AddHours(24)), null);

        Assert.Null(await node.Accounts.FindByLink(old, Make.Now));
        Assert.Null(await node.Accounts.FindByLink(link, Make.Now.AddHours(24)));
        Assert.Equal(AccountOutcome.NotFound, await node.Accounts.SetPasswordByLink(link, "late", Stamp(), Make.Now.AddHours(25), null));
        Assert.True(await Lives(node, session));

        var stamp = Stamp();
        Assert.Equal(AccountOutcome.Written, await node.Accounts.SetPasswordByLink(link, "new", stamp, Make.Now, null));
        // The same once more, after a lost answer; somebody else with the link comes too late.
        Assert.Equal(AccountOutcome.Written, await node.Accounts.SetPasswordByLink(link, "new", stamp, Make.Now, null));
        Assert.Equal(AccountOutcome.NotFound, await node.Accounts.SetPasswordByLink(link, "other", Stamp(), Make.Now, null));
        Assert.Equal("new", (await node.Accounts.FindByName("anna"))!.PasswordHash);
        Assert.False(await Lives(node, session));
    }

    [Fact]
    public async Task A_session_ends_when_it_is_idle_when_it_is_old_and_with_what_it_was_begun_with()
    {
        await using var node = await Fresh();
        var account = await Working(node, New("anna"));
        var (mine, other) = (await Begun(node, account), await Begun(node, account));
        Assert.Equal((account.Account.Id, mine.Id), (await node.Accounts.FindSession(mine.SecretSha256, Make.Now, Make.Now - Idle)) is var (found, session) ? (found.Id, session.Id) : default);
        Assert.False(await Lives(node, mine, Idle));
        await node.Accounts.TouchSession(mine.Id, Make.Now.AddHours(1));
        Assert.True(await Lives(node, mine, Idle));
        await node.Accounts.TouchSession(mine.Id, Make.Now.AddHours(11.9));
        Assert.True(await Lives(node, mine, TimeSpan.FromHours(11.95)));
        Assert.False(await Lives(node, mine, TimeSpan.FromHours(12)));
        Assert.Equal(2, (await node.Accounts.ListSessions(account.Account.Id, Make.Now, Make.Now - Idle)).Count);

        // A new password keeps the one that it was set in.
        var stamp = Stamp();
        Assert.Equal(AccountOutcome.Written, await node.Accounts.SetPassword(account.Account.Id, account.Stamp, "new", stamp, mine.Id, Make.Now, null));
        Assert.Equal(AccountOutcome.Written, await node.Accounts.SetPassword(account.Account.Id, account.Stamp, "new", stamp, mine.Id, Make.Now, null));
        Assert.Equal(AccountOutcome.VersionConflict, await node.Accounts.SetPassword(account.Account.Id, account.Stamp, "other", Stamp(), mine.Id, Make.Now, null));
        Assert.Equal((true, false), (await Lives(node, mine), await Lives(node, other)));
        // Whoever showed the old password and is slow comes too late.
        Assert.Equal(SessionOutcome.Gone, await node.Accounts.BeginSession(Session(account), null, null, null, null));

        var disabled = account.Account with { Version = 2, Disabled = true };
        Assert.Equal(AccountOutcome.Written, await node.Accounts.Change(Scope.District, disabled, Stamp(), false, null));
        Assert.False(await Lives(node, mine));
        Assert.Equal(SessionOutcome.Gone, await node.Accounts.BeginSession(Session((await node.Accounts.FindByName("anna"))!), null, null, null, null));
    }

    [Fact]
    public async Task Sessions_end_with_another_role_and_with_other_schools_and_not_with_another_name()
    {
        await using var node = await Fresh();
        var account = await Working(node, New("anna", "helpdesk", "n"));
        var session = await Begun(node, account);
        Assert.Equal(AccountOutcome.Written, await node.Accounts.Change(Scope.District, account.Account with { Version = 2, Name = "Anna" }, Stamp(), true, null));
        Assert.True(await Lives(node, session));
        Assert.Equal(AccountOutcome.VersionConflict, await node.Accounts.Change(Scope.District, account.Account with { Version = 2, Name = "Ann" }, Stamp(), true, null));
        Assert.Equal(AccountOutcome.Written, await node.Accounts.Change(Scope.District, account.Account with { Version = 3, Schools = ["n", "s"] }, Stamp(), true, null));
        Assert.False(await Lives(node, session));
    }

    [Fact]
    public async Task The_oldest_session_ends_when_there_are_too_many_and_each_can_be_ended()
    {
        await using var node = await Fresh();
        var account = await Working(node, New("anna"));
        var sessions = new List<AccountSession>();
        for (var i = 0; i <= IAccountStore.MostSessions; i++)
        {
            sessions.Add(Session(account, Make.Now.AddSeconds(i)));
            Assert.Equal(SessionOutcome.Begun, await node.Accounts.BeginSession(sessions[i], null, null, null, null));
        }

        Assert.False(await Lives(node, sessions[0], TimeSpan.FromMinutes(2)));
        Assert.True(await Lives(node, sessions[1], TimeSpan.FromMinutes(2)));
        Assert.Equal(0, await node.Accounts.EndSessions(Guid.NewGuid().ToString(), sessions[1].Id, null, null));
        Assert.Equal(1, await node.Accounts.EndSessions(account.Account.Id, sessions[1].Id, null, null));
        Assert.Equal(IAccountStore.MostSessions - 2, await node.Accounts.EndSessions(account.Account.Id, null, sessions[2].Id, null));
        Assert.Equal([sessions[2].Id], (await node.Accounts.ListSessions(account.Account.Id, Make.Now.AddMinutes(1), Make.Now - Idle)).Select(session => session.Id));
    }

    [Fact]
    public async Task No_code_is_taken_twice()
    {
        await using var node = await Fresh();
        var account = await Working(node, New("anna"));
        var codes = (byte[][])[Bytes(), Bytes()];
        Assert.Equal(AccountOutcome.Written, await node.Accounts.SetTotp(account.Account.Id, account.Stamp, [1, 2], 100, codes, Stamp(), null, Make.Now, null));
        account = (await node.Accounts.FindByName("anna"))!;
        Assert.Equal((100L, 2, Make.Now), (account.TotpStep!.Value, account.Account.RecoveryCodes, account.Account.TotpAt!.Value));

        // That which set it up is spent too.
        Assert.Equal(SessionOutcome.CodeUsed, await node.Accounts.BeginSession(Session(account), 100, null, null, null));
        var session = Session(account);
        Assert.Equal(SessionOutcome.Begun, await node.Accounts.BeginSession(session, 101, null, null, null));
        Assert.Equal(SessionOutcome.Begun, await node.Accounts.BeginSession(session, 101, null, null, null));
        Assert.Equal(SessionOutcome.CodeUsed, await node.Accounts.BeginSession(Session(account), 101, null, null, null));

        var twice = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => node.Accounts.BeginSession(Session(account), null, codes[0], null, null)));
        Assert.Single(twice, outcome => outcome == SessionOutcome.Begun);
        Assert.Equal(1, (await node.Accounts.FindByName("anna"))!.Account.RecoveryCodes);
        await node.Accounts.SetRecoveryCodes(account.Account.Id, [Bytes()], null);
        Assert.Equal(SessionOutcome.CodeUsed, await node.Accounts.BeginSession(Session(account), null, codes[1], null, null));

        Assert.Equal(AccountOutcome.Written, await node.Accounts.RemoveTotp(Scope.District, account.Account.Id, null));
        account = (await node.Accounts.FindByName("anna"))!;
        Assert.Equal((null, 0), (account.TotpSecret, account.Account.RecoveryCodes));
        Assert.Equal(AccountOutcome.NotFound, await node.Accounts.SetRecoveryCodes(account.Account.Id, [Bytes()], null));
    }

    [Fact]
    public async Task Codes_that_are_tried_at_once_are_tried_one_after_the_other()
    {
        await using var node = await Fresh();
        var account = await Working(node, New("anna"));
        static TimeSpan Pause(int failures) => failures < 3 ? TimeSpan.Zero : TimeSpan.FromMinutes(failures);

        var tried = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => node.Accounts.TakeCodeTry(account.Account.Id, Make.Now, Pause)));

        Assert.Equal(3, tried.Count(after => after is null));
        Assert.All(tried.Where(after => after is not null), after => Assert.Equal(Make.Now.AddMinutes(3), after));
        Assert.Null(await node.Accounts.TakeCodeTry(account.Account.Id, Make.Now.AddMinutes(3), Pause));
        Assert.Equal(Make.Now.AddMinutes(7), await node.Accounts.TakeCodeTry(account.Account.Id, Make.Now.AddMinutes(4), Pause));
        // So does a new password: whoever had the old one can make nobody wait any more.
        var stamp = Stamp();
        Assert.Equal(AccountOutcome.Written, await node.Accounts.SetPassword(account.Account.Id, account.Stamp, "new", stamp, null, Make.Now, null));
        account = account with { Stamp = stamp };
        Assert.Null(await node.Accounts.TakeCodeTry(account.Account.Id, Make.Now.AddMinutes(4), Pause));
        // Whoever signs in begins anew.
        await node.Accounts.CountFailure(account.Account.Id);
        Assert.Equal(1, (await node.Accounts.FindByName("anna"))!.Account.Failures);
        await Begun(node, account);
        Assert.Null(await node.Accounts.TakeCodeTry(account.Account.Id, Make.Now.AddMinutes(4), Pause));
        Assert.Equal((0, Make.Now), (await node.Accounts.FindByName("anna"))!.Account is var now ? (now.Failures, now.LastSignInAt!.Value) : default);
    }

    [Fact]
    public async Task The_last_administrator_that_works_stays_unless_there_is_another_way_in()
    {
        await using var node = await Fresh();
        var (ada, bea) = (await Working(node, New("ada", "administrator")), await Working(node, New("bea", "administrator")));
        // Those cannot: without a password, of one school, disabled.
        await node.Accounts.Create(New("no-password", "administrator"), null, null);
        await Working(node, New("one-school", "administrator", "n"));

        Task<AccountOutcome> Disable(AccountWithKeys account, bool anotherWayIn) =>
            node.Accounts.Change(Scope.District, account.Account with { Version = 2, Disabled = true }, Stamp(), anotherWayIn, null);
        var both = await Task.WhenAll(Disable(ada, false), Disable(bea, false));

        Assert.Equal([AccountOutcome.Written, AccountOutcome.LastAdministrator], both.Order());
        var left = both[0] == AccountOutcome.Written ? bea : ada;
        Assert.Equal(AccountOutcome.LastAdministrator, await node.Accounts.Change(Scope.District, left.Account with { Version = 2, Role = "viewer" }, Stamp(), false, null));
        Assert.Equal(AccountOutcome.LastAdministrator, await node.Accounts.Change(Scope.District, left.Account with { Version = 2, Schools = ["n"] }, Stamp(), false, null));
        Assert.Equal(AccountOutcome.LastAdministrator, await node.Accounts.Delete(Scope.District, left.Account.Id, false, null));
        Assert.Equal(AccountOutcome.Written, await node.Accounts.Change(Scope.District, left.Account with { Version = 2, Name = "Other" }, Stamp(), false, null));
        Assert.Equal(AccountOutcome.Written, await node.Accounts.Delete(Scope.District, left.Account.Id, true, null));
    }

    [Fact]
    public async Task Nothing_of_a_deleted_account_is_left_and_each_change_has_its_record()
    {
        await using var node = await Fresh();
        AuditRecord Record(string verb) => AuditRecord.New(Make.Now, AuditActor.Server, verb);
        var account = New("anna");
        var create = Record(AuditVerbs.AccountCreate);
        Assert.Equal(AccountOutcome.Written, await node.Accounts.Create(account, null, create));
        Assert.Equal(AccountOutcome.Written, await node.Accounts.Create(account, null, create));
        var keys = (await node.Accounts.FindByName("anna"))!;
        var session = Session(keys);
        await node.Accounts.BeginSession(session, null, null, null, Record(AuditVerbs.SessionSignIn));
        await node.Accounts.SetTotp(account.Id, keys.Stamp, [1], 1, [Bytes()], Stamp(), session.Id, Make.Now, Record(AuditVerbs.AccountTotp));
        await node.Accounts.Delete(Scope.District, account.Id, true, Record(AuditVerbs.AccountDelete));

        Assert.Null(await node.Accounts.FindByName("anna"));
        Assert.False(await Lives(node, session));
        foreach (var table in (string[])["accounts", "account_sessions", "account_recovery_codes"])
            Assert.Equal(0, await node.Parts.Database.Read(s => s.Sql($"SELECT count(*) FROM {table}").First(row => row.Long(0))));
        Assert.Equal(
            ["account.create", "account.delete", "account.totp", "session.sign-in"],
            (await node.Audit.List(AuditFilter.Everything, null, 10)).Select(record => record.Verb).Order(StringComparer.Ordinal));
    }
}
