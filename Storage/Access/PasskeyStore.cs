using System.Text.Json;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Access;

/// <inheritdoc cref="IPasskeyStore"/>
internal sealed class PasskeyStore(Database database) : IPasskeyStore
{
    private const string Columns = "p.id, p.credential_id, p.account_id, p.name, p.public_key, p.sign_count, p.transports, p.may_be_copied, p.is_copied, p.created_at, p.used_at";

    public async Task<IReadOnlyList<Passkey>> List(string accountId)
    {
        StoredText.Check("The account's id", accountId);
        return await database.Read(s => s.Sql($"SELECT {Columns} FROM account_passkeys p WHERE p.account_id = @account ORDER BY p.created_at, p.id").Text("@account", accountId).List(Read));
    }

    public Task<Passkey?> Find(byte[] credentialId) =>
        database.Read(s => s.Sql($"SELECT {Columns} FROM account_passkeys p WHERE p.credential_id = @credential").Bytes("@credential", credentialId).First(Read));

    public Task<PasskeyOutcome> Add(Passkey passkey, string stamp, AuditRecord? audit)
    {
        StoredText.Check("The passkey's id", passkey.Id);
        StoredText.Check("The name", passkey.Name);
        foreach (var transport in passkey.Transports) StoredText.Check("The transport", transport);
        return database.Write(async s =>
        {
            var standing = await s.Sql($"SELECT stamp FROM accounts WHERE id = @id AND NOT disabled{database.ForUpdate}").Text("@id", passkey.AccountId).First(row => row.Text(0));
            if (standing != stamp) return PasskeyOutcome.Gone;
            if (await s.Sql($"SELECT {Columns} FROM account_passkeys p WHERE p.credential_id = @credential").Bytes("@credential", passkey.CredentialId).First(Read) is { } known)
                return known.Id == passkey.Id ? PasskeyOutcome.Written : PasskeyOutcome.Known;
            if (await s.Sql("SELECT count(*) FROM account_passkeys WHERE account_id = @account").Text("@account", passkey.AccountId).First(row => row.Long(0)) >= IPasskeyStore.MostOfAccount)
                return PasskeyOutcome.TooMany;
            var added = await s
                .Sql("""
                    INSERT INTO account_passkeys (id, credential_id, account_id, name, public_key, sign_count, transports, may_be_copied, is_copied, created_at)
                    VALUES (@id, @credential, @account, @name, @key, @count, @transports, @may, @copied, @at) ON CONFLICT DO NOTHING
                    """)
                .Text("@id", passkey.Id).Bytes("@credential", passkey.CredentialId).Text("@account", passkey.AccountId).Text("@name", passkey.Name).Bytes("@key", passkey.PublicKey)
                .Long("@count", passkey.SignCount).Text("@transports", JsonSerializer.Serialize(passkey.Transports)).Bool("@may", passkey.MayBeCopied).Bool("@copied", passkey.IsCopied)
                .Time("@at", passkey.CreatedAt).Execute();
            if (added == 0) return PasskeyOutcome.Known;
            if (audit is not null) await AuditColumns.Add(s, audit);
            return PasskeyOutcome.Written;
        });
    }

    public Task<bool> Remove(string accountId, string id, AuditRecord? audit)
    {
        StoredText.Check("The account's id", accountId);
        StoredText.Check("The passkey's id", id);
        return database.Write(async s =>
        {
            var removed = await s.Sql("DELETE FROM account_passkeys WHERE account_id = @account AND id = @id").Text("@account", accountId).Text("@id", id).Execute() > 0;
            if (removed && audit is not null) await AuditColumns.Add(s, audit);
            return removed;
        });
    }

    public Task<int?> RemoveAll(Scope scope, string accountId, AuditRecord? audit)
    {
        StoredText.Check("The account's id", accountId);
        return database.Write<int?>(async s =>
        {
            if (await AccountStore.Lock(s, scope, accountId) is null) return null;
            var removed = await s.Sql("DELETE FROM account_passkeys WHERE account_id = @account").Text("@account", accountId).Execute();
            if (removed > 0 && audit is not null) await AuditColumns.Add(s, audit with { Count = removed });
            return removed;
        });
    }

    /// <summary>Inside of the sign-in's transaction.</summary>
    /// <returns>False: the passkey is gone, or its challenge was used before.</returns>
    internal static async Task<bool> Use(Session s, string accountId, PasskeyUse use, DateTimeOffset now)
    {
        await s.Sql("DELETE FROM passkey_challenges WHERE used_at < @before").Time("@before", use.Forget).Execute();
        if (await s.Sql("INSERT INTO passkey_challenges (challenge_sha256, used_at) VALUES (@challenge, @now) ON CONFLICT (challenge_sha256) DO NOTHING")
            .Bytes("@challenge", use.ChallengeSha256).Time("@now", now).Execute() == 0) return false;
        return await s.Sql("UPDATE account_passkeys SET sign_count = @count, is_copied = @copied, used_at = @now WHERE credential_id = @credential AND account_id = @account")
            .Long("@count", use.SignCount).Bool("@copied", use.IsCopied).Time("@now", now).Bytes("@credential", use.CredentialId).Text("@account", accountId).Execute() > 0;
    }

    private static Passkey Read(Row row) => new()
    {
        Id = row.Text(0),
        CredentialId = row.Bytes(1),
        AccountId = row.Text(2),
        Name = row.Text(3),
        PublicKey = row.Bytes(4),
        SignCount = row.Long(5),
        Transports = JsonSerializer.Deserialize<string[]>(row.Text(6))!,
        MayBeCopied = row.Bool(7),
        IsCopied = row.Bool(8),
        CreatedAt = row.Time(9),
        UsedAt = row.TimeOrNull(10),
    };
}
