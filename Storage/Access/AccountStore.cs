using System.Text.Json;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Access;

/// <inheritdoc cref="IAccountStore"/>
internal sealed class AccountStore(Database database) : IAccountStore
{
    private const string Administrator = "administrator";

    private static readonly TimeSpan LinksKnown = TimeSpan.FromDays(30);

    private const string Columns = """
        a.id, a.version, a.user_name, a.name, a.role, a.schools, a.disabled, a.person_id, a.issuer, a.subject, a.created_at, a.created_by, a.updated_at, a.updated_by,
        a.password_at, a.totp_at, (SELECT count(*) FROM account_recovery_codes c WHERE c.account_id = a.id), a.link_until, a.failures, a.last_sign_in_at,
        (SELECT count(*) FROM account_passkeys p WHERE p.account_id = a.id)
        """;

    private const int Width = 21;

    private const string Keys = $"{Columns}, a.stamp, a.password_hash, a.totp_secret, a.totp_step";

    private const string SessionColumns = "s.id, s.account_id, s.secret_sha256, s.stamp, s.way, s.address, s.browser, s.begun_at, s.seen_at, s.ends_at";

    private const string Lives = "s.ends_at > @now AND s.seen_at > @idle AND s.stamp = a.stamp AND NOT a.disabled";

    public async Task<IReadOnlyList<Account>> List(Scope scope, string? text, string? after, int limit)
    {
        StoredText.Check("The search", text);
        StoredText.Check("The user name to go on after", after);
        var search = text is null ? "" : " AND a.search LIKE @text ESCAPE '!'";
        return await database.Read(s => s
            .Sql($"SELECT {Columns} FROM accounts a WHERE a.user_name_key > @after AND {Covers(database, scope)}{search} ORDER BY a.user_name_key LIMIT @limit")
            .Text("@after", Storage.Keys.Sort(after) ?? "").Int("@limit", limit).Within(scope)
            .Bind(statement =>
            {
                if (text is not null) statement.Text("@text", Storage.Keys.Part(text));
            })
            .List(Read));
    }

    public Task<Account?> Find(Scope scope, string id)
    {
        StoredText.Check("The account's id", id);
        return database.Read(s => s.Sql($"SELECT {Columns} FROM accounts a WHERE a.id = @id AND {Covers(database, scope)}").Text("@id", id).Within(scope).First(Read));
    }

    public Task<AccountWithKeys?> FindByName(string userName)
    {
        StoredText.Check("The user name", userName);
        return database.Read(s => s.Sql($"SELECT {Keys} FROM accounts a WHERE a.user_name_key = @key").Text("@key", Storage.Keys.Sort(userName)).First(ReadKeys));
    }

    public Task<AccountWithKeys?> FindWithKeys(string id)
    {
        StoredText.Check("The account's id", id);
        return database.Read(s => s.Sql($"SELECT {Keys} FROM accounts a WHERE a.id = @id").Text("@id", id).First(ReadKeys));
    }

    public Task<Account?> FindBySubject(string issuer, string subject)
    {
        StoredText.Check("The issuer", issuer);
        StoredText.Check("The subject", subject);
        return database.Read(s => s
            .Sql($"SELECT {Columns} FROM accounts a WHERE a.issuer = @issuer AND a.subject = @subject").Text("@issuer", issuer).Text("@subject", subject).First(Read));
    }

    public Task<Account?> FindByLink(byte[] linkSha256, DateTimeOffset now) => database.Read(s => s
        .Sql($"SELECT {Columns} FROM accounts a WHERE a.link_sha256 = @link AND a.link_until > @now AND NOT a.disabled").Bytes("@link", linkSha256).Time("@now", now).First(Read));

    public async Task<PersonMatch?> FindPersonByAddress(IReadOnlyCollection<string> addresses)
    {
        // Only ASCII is folded alike everywhere.
        List<string> keys = [.. addresses.Where(address => address.Length > 0 && address.All(char.IsAscii)).Select(Storage.Keys.Sort).OfType<string>().Distinct(StringComparer.Ordinal)];
        foreach (var key in keys) StoredText.Check("The address", key);
        var found = new Dictionary<string, (PersonMatch Match, bool Active)>(StringComparer.Ordinal);
        foreach (var key in keys)
        {
            var people = await database.Read(s => s
                .Sql($"""
                    SELECT p.id, p.given_name, p.family_name, p.active FROM people p WHERE lower(p.email{database.ByBytes}) = @key
                    UNION SELECT p.id, p.given_name, p.family_name, p.active FROM people p WHERE p.account_key = @key LIMIT 2
                    """)
                .Text("@key", key).List(row => (new PersonMatch(row.Text(0), $"{row.Text(1)} {row.Text(2)}".Trim()), row.Bool(3))));
            foreach (var (match, active) in people) found[match.Id] = (match, active);
        }

        // Who has left counts too: an address that was given anew is of two people until somebody clears it up.
        return found.Count == 1 && found.Values.Single() is { Active: true, Match: var only } ? only : null;
    }

    public Task<bool> LinkPerson(string id, string personId, DateTimeOffset at, string by, AuditRecord? audit)
    {
        StoredText.Check("The account's id", id);
        StoredText.Check("The person's id", personId);
        StoredText.Check("The name of who asked", by);
        return database.Write(async s =>
        {
            // The person is locked: of two accounts at once, one is linked.
            if (await s.Sql($"SELECT id FROM people WHERE id = @id AND active{database.ForUpdate}").Text("@id", personId).First(row => row.Text(0)) is null) return false;
            if (await Lock(s, Scope.District, id) is not { Account: { } account }) return false;
            if (account.PersonId is not null) return account.PersonId == personId;
            if (await s.Sql("SELECT 1 FROM accounts WHERE person_id = @person AND issuer = @issuer AND id <> @id")
                .Text("@person", personId).Text("@issuer", account.Issuer).Text("@id", id).First(_ => true)) return false;
            await s.Sql("UPDATE accounts SET person_id = @person, version = version + 1, updated_at = @at, updated_by = @by WHERE id = @id")
                .Text("@person", personId).Time("@at", at).Text("@by", by).Text("@id", id).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit with { Subject = personId });
            return true;
        });
    }

    public Task<long> CountOfRole(string role)
    {
        StoredText.Check("The role", role);
        return database.Read(s => s.Sql("SELECT count(*) FROM accounts WHERE role = @role").Text("@role", role).First(row => row.Long(0)));
    }

    public Task<AccountOutcome> Create(Account account, PasswordLink? link, AuditRecord? audit)
    {
        Check(account);
        var stamp = NewStamp();
        return database.Write(async s =>
        {
            if (account.Subject is null && await s.Sql("SELECT count(*) FROM accounts WHERE subject IS NULL").First(row => row.Long(0)) >= IAccountStore.MostAccounts) return AccountOutcome.TooMany;
            // The same request once more: the account stands, or was deleted since.
            if (link is not null && !await IsNew(s, link)) return AccountOutcome.Written;
            var added = await Bind(s.Sql("""
                INSERT INTO accounts (id, version, user_name, user_name_key, name, search, role, schools, disabled, person_id, stamp, link_sha256, link_until, failures,
                  code_failures, issuer, subject, created_at, created_by, updated_at, updated_by)
                VALUES (@id, 1, @userName, @key, @name, @search, @role, @schools, @disabled, @person, @stamp, @link, @until, 0, 0, @issuer, @subject, @at, @by, @at, @by)
                ON CONFLICT DO NOTHING
                """), account)
                .Text("@stamp", stamp).Bytes("@link", link?.Sha256).Time("@until", link?.Until).Text("@issuer", account.Issuer).Text("@subject", account.Subject).Execute();
            if (added == 0)
            {
                if (link is not null) await s.Sql("DELETE FROM account_links WHERE link_sha256 = @link").Bytes("@link", link.Sha256).Execute();
                return await IsWritten(s, account) ? AccountOutcome.Written
                    : await s.Sql("SELECT 1 FROM accounts WHERE user_name_key = @key").Text("@key", Storage.Keys.Sort(account.UserName)).First(_ => true) ? AccountOutcome.NameTaken
                    : AccountOutcome.SubjectTaken;
            }

            if (audit is not null) await AuditColumns.Add(s, audit);
            return AccountOutcome.Written;
        });
    }

    public Task<AccountOutcome> Change(Scope scope, Account account, string stamp, bool anotherWayIn, AuditRecord? audit)
    {
        Check(account);
        return database.Write(async s =>
        {
            await LockAdministrators(s);
            if (await Lock(s, scope, account.Id) is not { } standing) return AccountOutcome.NotFound;
            if (standing.Account.Version != account.Version - 1) return await IsWritten(s, account) ? AccountOutcome.Written : AccountOutcome.VersionConflict;
            if (await s.Sql("SELECT 1 FROM accounts WHERE user_name_key = @key AND id <> @id").Text("@key", Storage.Keys.Sort(account.UserName)).Text("@id", account.Id).First(_ => true))
                return AccountOutcome.NameTaken;
            if (!anotherWayIn && Administers(standing.Account) && !Administers(account with { PasswordAt = standing.Account.PasswordAt }) && await NobodyElse(s, account.Id))
                return AccountOutcome.LastAdministrator;

            var before = standing.Account;
            var ends = account.Disabled != before.Disabled || account.Role != before.Role || Json(account.Schools) != Json(before.Schools);
            await Bind(s.Sql("""
                UPDATE accounts SET version = @version, user_name = @userName, user_name_key = @key, name = @name, search = @search, role = @role, schools = @schools,
                  disabled = @disabled, person_id = @person, stamp = @stamp, updated_at = @at, updated_by = @by
                WHERE id = @id
                """), account).Int("@version", account.Version).Text("@stamp", ends ? stamp : standing.Stamp).Execute();
            if (ends) await s.Sql("DELETE FROM account_sessions WHERE account_id = @id").Text("@id", account.Id).Execute();
            if (account.Disabled) await s.Sql("UPDATE accounts SET link_sha256 = NULL, link_until = NULL WHERE id = @id").Text("@id", account.Id).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return AccountOutcome.Written;
        });
    }

    public Task<AccountOutcome> Delete(Scope scope, string id, bool anotherWayIn, AuditRecord? audit)
    {
        StoredText.Check("The account's id", id);
        return database.Write(async s =>
        {
            await LockAdministrators(s);
            if (await Lock(s, scope, id) is not { } standing) return AccountOutcome.NotFound;
            if (!anotherWayIn && Administers(standing.Account) && await NobodyElse(s, id)) return AccountOutcome.LastAdministrator;
            await s.Sql("DELETE FROM account_sessions WHERE account_id = @id").Text("@id", id).Execute();
            await s.Sql("DELETE FROM account_recovery_codes WHERE account_id = @id").Text("@id", id).Execute();
            await s.Sql("DELETE FROM account_passkeys WHERE account_id = @id").Text("@id", id).Execute();
            await s.Sql("DELETE FROM accounts WHERE id = @id").Text("@id", id).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return AccountOutcome.Written;
        });
    }

    public Task<AccountOutcome> SetLink(Scope scope, string id, PasswordLink link, AuditRecord? audit)
    {
        StoredText.Check("The account's id", id);
        return database.Write(async s =>
        {
            if (await Lock(s, scope, id) is null) return AccountOutcome.NotFound;
            // The same request once more: its link may have been used since, or another one given.
            if (!await IsNew(s, link)) return AccountOutcome.Written;
            await s.Sql("UPDATE accounts SET link_sha256 = @link, link_until = @until WHERE id = @id")
                .Bytes("@link", link.Sha256).Time("@until", link.Until).Text("@id", id).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return AccountOutcome.Written;
        });
    }

    /// <summary>Notes that a link was given.</summary>
    /// <returns>False: it was before.</returns>
    private static async Task<bool> IsNew(Session s, PasswordLink link)
    {
        // For much longer than a request may be repeated.
        await s.Sql("DELETE FROM account_links WHERE made_at < @before").Time("@before", link.Until - LinksKnown).Execute();
        return await s.Sql("INSERT INTO account_links (link_sha256, made_at) VALUES (@link, @at) ON CONFLICT (link_sha256) DO NOTHING")
            .Bytes("@link", link.Sha256).Time("@at", link.Until).Execute() > 0;
    }

    public Task<AccountOutcome> SetPasswordByLink(byte[] linkSha256, string passwordHash, string stamp, DateTimeOffset now, AuditRecord? audit) => database.Write(async s =>
    {
        var id = await s.Sql($"SELECT a.id FROM accounts a WHERE a.link_sha256 = @link AND a.link_until > @now AND NOT a.disabled{database.ForUpdate}")
            .Bytes("@link", linkSha256).Time("@now", now).First(row => row.Text(0));
        if (id is null)
        {
            return await s.Sql("SELECT 1 FROM accounts WHERE stamp = @stamp").Text("@stamp", stamp).First(_ => true) ? AccountOutcome.Written : AccountOutcome.NotFound;
        }

        await s.Sql("""
            UPDATE accounts SET password_hash = @hash, password_at = @now, stamp = @stamp, link_sha256 = NULL, link_until = NULL, failures = 0, code_failures = 0,
              codes_after = NULL
            WHERE id = @id
            """).Text("@hash", passwordHash).Time("@now", now).Text("@stamp", stamp).Text("@id", id).Execute();
        await s.Sql("DELETE FROM account_sessions WHERE account_id = @id").Text("@id", id).Execute();
        if (audit is not null) await AuditColumns.Add(s, audit);
        return AccountOutcome.Written;
    });

    public Task<AccountOutcome> SetPassword(string id, string stamp, string passwordHash, string newStamp, string? keptSession, DateTimeOffset now, AuditRecord? audit) =>
        WithNewStamp(id, stamp, newStamp, keptSession, audit, s => s
            .Sql("UPDATE accounts SET password_hash = @hash, password_at = @now, link_sha256 = NULL, link_until = NULL, code_failures = 0, codes_after = NULL WHERE id = @id")
            .Text("@hash", passwordHash).Time("@now", now).Text("@id", id).Execute());

    public Task<AccountOutcome> SetTotp(
        string id, string stamp, byte[] secret, long step, IReadOnlyList<byte[]> recoveryCodes, string newStamp, string? keptSession, DateTimeOffset now, AuditRecord? audit) =>
        WithNewStamp(id, stamp, newStamp, keptSession, audit, async s =>
        {
            await s.Sql("UPDATE accounts SET totp_secret = @secret, totp_at = @now, totp_step = @step, code_failures = 0, codes_after = NULL WHERE id = @id")
                .Bytes("@secret", secret).Time("@now", now).Long("@step", step).Text("@id", id).Execute();
            await PutCodes(s, id, recoveryCodes);
        });

    public Task<AccountOutcome> RemoveTotp(Scope scope, string id, AuditRecord? audit)
    {
        StoredText.Check("The account's id", id);
        return database.Write(async s =>
        {
            if (await Lock(s, scope, id) is null) return AccountOutcome.NotFound;
            await s.Sql("UPDATE accounts SET totp_secret = NULL, totp_at = NULL, totp_step = NULL, code_failures = 0, codes_after = NULL WHERE id = @id").Text("@id", id).Execute();
            await PutCodes(s, id, []);
            if (audit is not null) await AuditColumns.Add(s, audit);
            return AccountOutcome.Written;
        });
    }

    public Task<AccountOutcome> SetRecoveryCodes(string id, IReadOnlyList<byte[]> recoveryCodes, AuditRecord? audit)
    {
        StoredText.Check("The account's id", id);
        return database.Write(async s =>
        {
            if (await Lock(s, Scope.District, id) is not { TotpSecret: not null }) return AccountOutcome.NotFound;
            await PutCodes(s, id, recoveryCodes);
            if (audit is not null) await AuditColumns.Add(s, audit);
            return AccountOutcome.Written;
        });
    }

    public Task CountFailure(string id)
    {
        StoredText.Check("The account's id", id);
        // As far as anybody reads it.
        return database.Write(s => s.Sql("UPDATE accounts SET failures = failures + 1 WHERE id = @id AND failures < 1000000").Text("@id", id).Execute());
    }

    public Task<DateTimeOffset?> TakeCodeTry(string id, DateTimeOffset now, Func<int, TimeSpan> pause)
    {
        StoredText.Check("The account's id", id);
        return database.Write(async s =>
        {
            var (failures, after) = await s.Sql($"SELECT code_failures, codes_after FROM accounts WHERE id = @id{database.ForUpdate}")
                .Text("@id", id).First(row => (row.Int(0), row.TimeOrNull(1)));
            if (after > now) return after;
            await s.Sql("UPDATE accounts SET code_failures = @failures, codes_after = @after WHERE id = @id")
                .Int("@failures", failures + 1).Time("@after", now + pause(failures + 1)).Text("@id", id).Execute();
            return null;
        });
    }

    public Task<SessionOutcome> BeginSession(AccountSession session, long? step, byte[]? recoveryCode, PasskeyUse? passkey, AuditRecord? audit)
    {
        StoredText.Check("The address", session.Address);
        StoredText.Check("The browser", session.Browser);
        return database.Write(async s =>
        {
            if (await s.Sql("SELECT 1 FROM account_sessions WHERE id = @id").Text("@id", session.Id).First(_ => true)) return SessionOutcome.Begun;
            if (await Lock(s, Scope.District, session.AccountId) is not { } standing || standing.Account.Disabled || standing.Stamp != session.Stamp) return SessionOutcome.Gone;
            if (step is { } shown && standing.TotpStep is { } taken && shown <= taken) return SessionOutcome.CodeUsed;
            if (recoveryCode is not null && await s.Sql("DELETE FROM account_recovery_codes WHERE account_id = @id AND code_sha256 = @code")
                .Text("@id", session.AccountId).Bytes("@code", recoveryCode).Execute() == 0)
                return SessionOutcome.CodeUsed;
            if (passkey is not null && !await PasskeyStore.Use(s, session.AccountId, passkey, session.BegunAt)) return SessionOutcome.CodeUsed;

            await s.Sql("""
                UPDATE accounts SET last_sign_in_at = @now, failures = 0, code_failures = 0, codes_after = NULL, totp_step = @step WHERE id = @id
                """).Time("@now", session.BegunAt).Long("@step", step ?? standing.TotpStep).Text("@id", session.AccountId).Execute();
            await s.Sql("DELETE FROM account_sessions WHERE ends_at < @now").Time("@now", session.BegunAt).Execute();
            await s.Sql("""
                DELETE FROM account_sessions WHERE id IN (SELECT id FROM account_sessions WHERE account_id = @id ORDER BY begun_at DESC LIMIT 1000 OFFSET @most)
                """).Text("@id", session.AccountId).Int("@most", IAccountStore.MostSessions - 1).Execute();
            await s.Sql("""
                INSERT INTO account_sessions (id, account_id, secret_sha256, stamp, way, address, browser, begun_at, seen_at, ends_at)
                VALUES (@id, @account, @secret, @stamp, @way, @address, @browser, @now, @now, @ends)
                """)
                .Text("@id", session.Id).Text("@account", session.AccountId).Bytes("@secret", session.SecretSha256).Text("@stamp", session.Stamp).Text("@way", session.Way)
                .Text("@address", session.Address).Text("@browser", session.Browser).Time("@now", session.BegunAt).Time("@ends", session.EndsAt).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return SessionOutcome.Begun;
        });
    }

    public async Task<(Account Account, AccountSession Session)?> FindSession(byte[] secretSha256, DateTimeOffset now, DateTimeOffset idleSince)
    {
        var found = await database.Read(s => s
            .Sql($"SELECT {Columns}, {SessionColumns} FROM account_sessions s JOIN accounts a ON a.id = s.account_id WHERE s.secret_sha256 = @secret AND {Lives}")
            .Bytes("@secret", secretSha256).Time("@now", now).Time("@idle", idleSince).List(row => (Read(row), ReadSession(row, Width))));
        return found.Count == 0 ? null : found[0];
    }

    public Task TouchSession(string sessionId, DateTimeOffset now) =>
        database.Write(s => s.Sql("UPDATE account_sessions SET seen_at = @now WHERE id = @id AND seen_at < @now").Time("@now", now).Text("@id", sessionId).Execute());

    public async Task<IReadOnlyList<AccountSession>> ListSessions(string accountId, DateTimeOffset now, DateTimeOffset idleSince)
    {
        StoredText.Check("The account's id", accountId);
        return await database.Read(s => s
            .Sql($"SELECT {SessionColumns} FROM account_sessions s JOIN accounts a ON a.id = s.account_id WHERE s.account_id = @id AND {Lives} ORDER BY s.begun_at DESC")
            .Text("@id", accountId).Time("@now", now).Time("@idle", idleSince).List(row => ReadSession(row, 0)));
    }

    public Task<int> EndSessions(string accountId, string? sessionId, string? but, AuditRecord? audit)
    {
        StoredText.Check("The session's id", sessionId);
        return database.Write(async s =>
        {
            var ended = await s.Sql($"DELETE FROM account_sessions WHERE account_id = @account AND id <> @but{(sessionId is null ? "" : " AND id = @id")}")
                .Text("@account", accountId).Text("@but", but ?? "")
                .Bind(statement =>
                {
                    if (sessionId is not null) statement.Text("@id", sessionId);
                }).Execute();
            if (ended > 0 && audit is not null) await AuditColumns.Add(s, audit);
            return ended;
        });
    }

    /// <summary>A new one each time.</summary>
    internal static string NewStamp() => Guid.NewGuid().ToString("N");

    private Task<AccountOutcome> WithNewStamp(string id, string stamp, string newStamp, string? keptSession, AuditRecord? audit, Func<Session, Task> change) => database.Write(async s =>
    {
        if (await Lock(s, Scope.District, id) is not { } standing) return AccountOutcome.NotFound;
        if (standing.Stamp != stamp) return standing.Stamp == newStamp ? AccountOutcome.Written : AccountOutcome.VersionConflict;
        await change(s);
        await s.Sql("UPDATE accounts SET stamp = @new WHERE id = @id").Text("@new", newStamp).Text("@id", id).Execute();
        await s.Sql("DELETE FROM account_sessions WHERE account_id = @id AND id <> @kept").Text("@id", id).Text("@kept", keptSession ?? "").Execute();
        await s.Sql("UPDATE account_sessions SET stamp = @new WHERE account_id = @id").Text("@new", newStamp).Text("@id", id).Execute();
        if (audit is not null) await AuditColumns.Add(s, audit);
        return AccountOutcome.Written;
    });

    private static async Task PutCodes(Session s, string id, IReadOnlyList<byte[]> codes)
    {
        await s.Sql("DELETE FROM account_recovery_codes WHERE account_id = @id").Text("@id", id).Execute();
        foreach (var code in codes)
            await s.Sql("INSERT INTO account_recovery_codes (account_id, code_sha256) VALUES (@id, @code)").Text("@id", id).Bytes("@code", code).Execute();
    }

    /// <summary>One after the other: of two who remove each other, one is refused.</summary>
    private Task LockAdministrators(Session s) => s
        .Sql($"SELECT a.id FROM accounts a WHERE a.role = @role ORDER BY a.id{database.ForUpdate}").Text("@role", Administrator).List(row => row.Text(0));

    private static bool Administers(Account account) =>
        account is { Role: Administrator, Disabled: false, Schools: null } && (account.PasswordAt is not null || account.Subject is not null);

    private static async Task<bool> NobodyElse(Session s, string id) => await s
        .Sql("""
            SELECT count(*) FROM accounts WHERE role = @role AND NOT disabled AND schools IS NULL AND (password_hash IS NOT NULL OR subject IS NOT NULL) AND id <> @id
            """).Text("@role", Administrator).Text("@id", id).First(row => row.Long(0)) == 0;

    internal static Task<AccountWithKeys?> Lock(Session s, Scope scope, string id) => s
        .Sql($"SELECT {Keys} FROM accounts a WHERE a.id = @id AND {Covers(s.Database, scope)}{s.Database.ForUpdate}").Text("@id", id).Within(scope).First(ReadKeys);

    private static async Task<bool> IsWritten(Session s, Account account) =>
        (await s.Sql($"SELECT {Columns} FROM accounts a WHERE a.id = @id").Text("@id", account.Id).First(Read))?.Equals(account) == true;

    private static string Covers(Database database, Scope scope) => scope.SchoolIds is null
        ? "1 = 1"
        : $"a.schools IS NOT NULL AND NOT EXISTS ({database.JsonElements("a.schools")} EXCEPT {database.JsonElements(ScopedStatement.Parameter)})";

    private static void Check(Account account)
    {
        foreach (var (what, text) in ((string, string?)[])
            [("The id", account.Id), ("The user name", account.UserName), ("The name", account.Name), ("The role", account.Role), ("The issuer", account.Issuer), ("The subject", account.Subject)])
            StoredText.Check(what, text);
    }

    private static Statement Bind(Statement statement, Account account) => statement
        .Text("@id", account.Id).Text("@userName", account.UserName).Text("@key", Storage.Keys.Sort(account.UserName)).Text("@name", account.Name)
        .Text("@search", Storage.Keys.Sort($"{account.UserName} {account.Name}")).Text("@role", account.Role).Text("@schools", Json(account.Schools))
        .Bool("@disabled", account.Disabled).Text("@person", account.PersonId).Time("@at", account.UpdatedAt).Text("@by", account.UpdatedBy);

    private static string? Json(IReadOnlyList<string>? schools) => schools is null ? null : JsonSerializer.Serialize(schools.Order(StringComparer.Ordinal));

    private static Account Read(Row row) => new()
    {
        Id = row.Text(0),
        Version = row.Int(1),
        UserName = row.Text(2),
        Name = row.Text(3),
        Role = row.Text(4),
        Schools = row.TextOrNull(5) is { } schools ? JsonSerializer.Deserialize<string[]>(schools) : null,
        Disabled = row.Bool(6),
        PersonId = row.TextOrNull(7),
        Issuer = row.TextOrNull(8),
        Subject = row.TextOrNull(9),
        CreatedAt = row.Time(10),
        CreatedBy = row.Text(11),
        UpdatedAt = row.Time(12),
        UpdatedBy = row.Text(13),
        PasswordAt = row.TimeOrNull(14),
        TotpAt = row.TimeOrNull(15),
        RecoveryCodes = (int)row.Long(16),
        LinkUntil = row.TimeOrNull(17),
        Failures = row.Int(18),
        LastSignInAt = row.TimeOrNull(19),
        Passkeys = (int)row.Long(20),
    };

    private static AccountWithKeys ReadKeys(Row row) => new(Read(row), row.Text(Width), row.TextOrNull(Width + 1), row.BytesOrNull(Width + 2), row.LongOrNull(Width + 3));

    private static AccountSession ReadSession(Row row, int at) => new()
    {
        Id = row.Text(at),
        AccountId = row.Text(at + 1),
        SecretSha256 = row.Bytes(at + 2),
        Stamp = row.Text(at + 3),
        Way = row.Text(at + 4),
        Address = row.TextOrNull(at + 5),
        Browser = row.TextOrNull(at + 6),
        BegunAt = row.Time(at + 7),
        SeenAt = row.Time(at + 8),
        EndsAt = row.Time(at + 9),
    };
}
