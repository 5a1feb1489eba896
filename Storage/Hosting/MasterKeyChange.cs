using System.Text;
using System.Text.RegularExpressions;
using FleetMdm.Storage.Access;
using FleetMdm.Storage.ActivationLock;
using FleetMdm.Storage.AppsAndBooks;
using FleetMdm.Storage.Automated;
using FleetMdm.Storage.Secrets;
using FleetMdm.Storage.Sqlite;
using FleetMdm.Storage.Webhooks;
using Microsoft.Extensions.Options;

namespace FleetMdm.Storage.Hosting;

/// <summary>Seals everything under a new master key, while no server runs.</summary>
/// <remarks>
/// <para>1. no server runs; 2. the keys are the right ones; 3. the fact <see cref="MasterKey.ChangeFact"/> says that a change has begun: from now on no
/// server starts; 4. tokens and codes of iPads, secrets of people's second step and of webhooks, keys and tokens of servers of Automated Device Enrolment, tokens of Apps and Books; 5. the state of grains (the CA, the push certificate) and the keys of sessions; 6. the facts, among them the mark of
/// the master key and the data keys of bodies, and the change has ended: one transaction.</para>
/// <para>Whatever dies in between, the same command with the same two keys goes on: a value tells the key that it was sealed under. Bodies and answers are
/// sealed under data keys, which are sealed anew and stay the same.</para>
/// </remarks>
public sealed partial class MasterKeyChange(IOptions<StorageOptions> storage, IOptions<SecretsOptions> secrets, IServiceProvider services)
{
    private const int Batch = 200;
    private const string NodesName = "fleetmdm";
    private const string Table = "OrleansStorage";

    /// <summary>Tells this program's connections to PostgreSQL from those of nodes.</summary>
    public static void NameConnections(StorageOptions options) => options.ConnectionString += options.Provider == StorageProvider.PostgreSQL ? ";Application Name=fleetmdm-rekey" : "";

    /// <param name="newKeyFile">Holds the new key, as <c>openssl rand -base64 32</c> makes it.</param>
    /// <param name="purposes">What the state of grains and the keys of sessions hold sealed values for.</param>
    /// <exception cref="StorageConfigurationException">One of the keys is not the right one.</exception>
    /// <exception cref="StoreUnavailableException">A server runs, or something is sealed that neither key opens.</exception>
    public async Task<MasterKeyChanged> Run(string newKeyFile, IReadOnlyList<string> purposes, CancellationToken cancellationToken)
    {
        var present = MasterKey.Find(secrets.Value, storage.Value)
            ?? throw new StorageConfigurationException("The present master key is not here: Secrets:MasterKeyFile (or master.key in the data directory) names it.");
        var next = MasterKey.ReadFile(newKeyFile);
        if (present.AsSpan().SequenceEqual(next))
            throw new StorageConfigurationException($"{newKeyFile} holds the present master key: make a new one with `openssl rand -base64 32`.");
        if (storage.Value.Provider == StorageProvider.Sqlite && SqliteConnections.FileOf(storage.Value) is var file && !File.Exists(file))
            throw new StorageConfigurationException($"There is no database at {file}: Storage:DataDirectory names the server's data directory.");
        // 1
        using var guard = storage.Value.Provider == StorageProvider.Sqlite ? StoreLock.Take(SqliteConnections.FileOf(storage.Value)) : null;
        var parts = (StoreParts)services.GetService(typeof(StoreParts))!;
        if (await parts.Control.Pending(cancellationToken) is { Count: > 0 } pending)
            throw new StorageConfigurationException($"The database lacks the migration {pending[0]}: run `migrate` first.");
        if (guard is null)
            await CheckNobodyWorks(parts.Database, cancellationToken);

        var change = new Change(parts.Database, new SecretSealer(present), new SecretSealer(next), purposes, cancellationToken);
        // 2, 3
        if (!await change.Begin(newKeyFile))
            return new MasterKeyChanged(AlreadyDone: true, 0, 0);
        // 4
        await change.Tokens();
        await change.Codes();
        await change.SecondSteps();
        await change.Webhooks();
        await change.ServersOfAutomatedEnrolment();
        await change.LocationsOfAppsAndBooks();
        // 5
        await change.Texts($"SELECT payloadbinary FROM {Table} WHERE payloadbinary IS NOT NULL", row => row.Bytes(0),
            $"UPDATE {Table} SET payloadbinary = @new WHERE payloadbinary = @old", (statement, name, value) => statement.Bytes(name, value));
        await change.Texts("SELECT xml FROM key_ring", row => Encoding.UTF8.GetBytes(row.Text(0)),
            "UPDATE key_ring SET xml = @new WHERE xml = @old", (statement, name, value) => statement.Text(name, Encoding.UTF8.GetString(value)));
        // 6
        await change.End();
        return new MasterKeyChanged(AlreadyDone: false, change.Sealed, change.Unreadable);
    }

    private static async Task CheckNobodyWorks(Database database, CancellationToken cancellationToken)
    {
        var others = await database.Read(s => s
            .Sql("""
                SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = @name
                """)
            .Text("@name", NodesName).First(row => row.Long(0)), cancellationToken);
        if (others > 0)
            throw new StoreUnavailableException("A FleetMdm server is connected to this database: stop all nodes first.");
    }

    private sealed partial class Change(
        Database database, SecretSealer present, SecretSealer next, IReadOnlyList<string> purposes, CancellationToken cancellationToken)
    {
        public long Sealed { get; private set; }

        public long Unreadable { get; private set; }

        /// <returns>False: the change has been made.</returns>
        public async Task<bool> Begin(string newKeyFile)
        {
            var mark = await Fact(MasterKey.CheckFact) ?? throw new StorageConfigurationException("No server has ever run on this database: there is nothing to seal anew.");
            if (next.TryOpen(MasterKey.CheckFact, mark) is not null)
                return false;
            if (present.TryOpen(MasterKey.CheckFact, mark) is null)
                throw new StorageConfigurationException("The present master key is not the one that this database's secrets were sealed with.");
            var begun = await database.Write(async s =>
            {
                await s.Sql("INSERT INTO facts (name, value) VALUES (@name, @value) ON CONFLICT (name) DO NOTHING")
                    .Text("@name", MasterKey.ChangeFact).Bytes("@value", next.Seal(MasterKey.ChangeFact, [1])).Execute();
                return await s.Sql("SELECT value FROM facts WHERE name = @name").Text("@name", MasterKey.ChangeFact).First(row => row.Bytes(0));
            }, cancellationToken);
            if (next.TryOpen(MasterKey.ChangeFact, begun) is null)
                throw new StorageConfigurationException($"A change to another new key was begun and has not ended: run rekey with that one, not with {newKeyFile}.");
            return true;
        }

        public async Task Tokens()
        {
            var after = "";
            while (true)
            {
                var rows = await database.Read(s => s
                    .Sql("""
                        SELECT id, device_id, udid, unlock_token, bootstrap_token FROM devices
                        WHERE id > @after AND (unlock_token IS NOT NULL OR bootstrap_token IS NOT NULL) ORDER BY id LIMIT @limit
                        """)
                    .Text("@after", after).Int("@limit", Batch)
                    .List(row => (Id: row.Text(0), Device: row.Text(1), Udid: row.TextOrNull(2), Unlock: row.BytesOrNull(3), Bootstrap: row.BytesOrNull(4))),
                    cancellationToken);
                if (rows.Count == 0)
                    return;
                var anew = rows.ConvertAll(row =>
                {
                    // An earlier version spelled ids otherwise; what it sealed is for that spelling, which is the UDID.
                    var ids = new[] { row.Device, row.Udid, row.Id }.OfType<string>().Distinct().ToList();
                    return (row.Id, Unlock: Token("unlock-token", ids, row.Unlock), Bootstrap: Token("bootstrap-token", ids, row.Bootstrap));
                });
                await database.Write(async s =>
                {
                    foreach (var (id, unlock, bootstrap) in anew)
                    {
                        await s.Sql("UPDATE devices SET unlock_token = @unlock, bootstrap_token = @bootstrap WHERE id = @id")
                            .Bytes("@unlock", unlock).Bytes("@bootstrap", bootstrap).Text("@id", id).Execute();
                    }
                }, cancellationToken);
                after = rows[^1].Id;
            }

            byte[]? Token(string secret, List<string> ids, byte[]? value)
            {
                if (value is null)
                    return null;
                if (Anew(value, ids.Select(id => $"{secret}/{id}")) is { } sealedAnew)
                    return sealedAnew;
                // Damaged, as it was before: what neither key opens, no server could.
                Unreadable++;
                return value;
            }
        }

        /// <summary>Those that lift Activation Lock.</summary>
        public async Task Codes()
        {
            var after = "";
            while (true)
            {
                var rows = await database.Read(s => s
                    .Sql("SELECT device_id, code FROM activation_lock_codes WHERE device_id > @after ORDER BY device_id LIMIT @limit")
                    .Text("@after", after).Int("@limit", Batch).List(row => (Id: row.Text(0), Code: row.Bytes(1))), cancellationToken);
                if (rows.Count == 0)
                    return;
                foreach (var (id, code) in rows)
                {
                    if (Anew(code, [ActivationLockCode.Purpose(id)]) is not { } anew)
                        Unreadable++;
                    else
                        await database.Write(s => s.Sql("UPDATE activation_lock_codes SET code = @code WHERE device_id = @id").Bytes("@code", anew).Text("@id", id).Execute(), cancellationToken);
                }

                after = rows[^1].Id;
            }
        }

        /// <summary>Of people who sign in.</summary>
        public async Task SecondSteps()
        {
            var after = "";
            while (true)
            {
                var rows = await database.Read(s => s
                    .Sql("SELECT id, totp_secret FROM accounts WHERE id > @after AND totp_secret IS NOT NULL ORDER BY id LIMIT @limit")
                    .Text("@after", after).Int("@limit", Batch).List(row => (Id: row.Text(0), Secret: row.Bytes(1))), cancellationToken);
                if (rows.Count == 0)
                    return;
                foreach (var (id, secret) in rows)
                {
                    if (Anew(secret, [Account.TotpPurpose(id)]) is not { } anew)
                        Unreadable++;
                    else
                        await database.Write(s => s.Sql("UPDATE accounts SET totp_secret = @secret WHERE id = @id").Bytes("@secret", anew).Text("@id", id).Execute(), cancellationToken);
                }

                after = rows[^1].Id;
            }
        }

        /// <summary>What events are signed with.</summary>
        public async Task Webhooks()
        {
            foreach (var (id, secret, old) in await database.Read(
                s => s.Sql("SELECT id, secret, old_secret FROM webhooks").List(row => (row.Text(0), row.Bytes(1), row.BytesOrNull(2))), cancellationToken))
            {
                var anew = (Secret: Of(secret), Old: old is null ? null : Of(old));
                await database.Write(s => s.Sql("UPDATE webhooks SET secret = @secret, old_secret = @old WHERE id = @id")
                    .Bytes("@secret", anew.Secret).Bytes("@old", anew.Old).Text("@id", id).Execute(), cancellationToken);

                byte[] Of(byte[] value)
                {
                    if (Anew(value, [Webhook.SecretPurpose(id)]) is { } sealedAnew) return sealedAnew;
                    Unreadable++;
                    return value;
                }
            }
        }

        /// <summary>Keys and tokens.</summary>
        public async Task ServersOfAutomatedEnrolment()
        {
            var rows = await database.Read(s => s.Sql("SELECT id, private_key, token FROM automated_servers").List(row => (Id: row.Text(0), Key: row.Bytes(1), Token: row.BytesOrNull(2))), cancellationToken);
            foreach (var (id, key, token) in rows)
            {
                var newKey = Anew(key, [AutomatedServer.KeyPurpose(id)]);
                var newToken = token is null ? null : Anew(token, [AutomatedServer.TokenPurpose(id)]);
                if (newKey is null) Unreadable++;
                if (token is not null && newToken is null) Unreadable++;
                await database.Write(s => s.Sql("UPDATE automated_servers SET private_key = @key, token = @token WHERE id = @id")
                    .Bytes("@key", newKey ?? key).Bytes("@token", newToken ?? token).Text("@id", id).Execute(), cancellationToken);
            }
        }

        /// <summary>Tokens, and what notifications come with.</summary>
        public async Task LocationsOfAppsAndBooks()
        {
            var rows = await database.Read(s => s.Sql("SELECT id, token, notify_secret, offered_secret FROM content_locations").List(row => (Id: row.Text(0), Token: row.Bytes(1), Notify: row.BytesOrNull(2), Offered: row.BytesOrNull(3))), cancellationToken);
            foreach (var (id, token, notify, offered) in rows)
            {
                var newToken = Anew(token, [ContentLocation.TokenPurpose(id)]);
                var newNotify = notify is null ? null : Anew(notify, [ContentLocation.NotifyPurpose(id)]);
                if (newToken is null) Unreadable++;
                var newOffered = offered is null ? null : Anew(offered, [ContentLocation.NotifyPurpose(id)]);
                if (notify is not null && newNotify is null) Unreadable++;
                if (offered is not null && newOffered is null) Unreadable++;
                await database.Write(s => s.Sql("UPDATE content_locations SET token = @token, notify_secret = @notify, offered_secret = @offered WHERE id = @id")
                    .Bytes("@token", newToken ?? token).Bytes("@notify", newNotify ?? notify).Bytes("@offered", newOffered ?? offered).Text("@id", id).Execute(), cancellationToken);
            }
        }

        /// <summary>Texts that hold sealed values in Base64.</summary>
        public async Task Texts(string select, Func<Row, byte[]> read, string update, Func<Statement, string, byte[], Statement> bind)
        {
            foreach (var old in await database.Read(s => s.Sql(select).List(read), cancellationToken))
            {
                var text = Encoding.UTF8.GetString(old);
                var anew = Base64().Replace(text, match => Token(match.Value));
                if (anew != text)
                    await database.Write(s => bind(bind(s.Sql(update), "@new", Encoding.UTF8.GetBytes(anew)), "@old", old).Execute(), cancellationToken);
            }

            string Token(string text)
            {
                var value = new byte[text.Length];
                if (!Convert.TryFromBase64String(text, value, out var length))
                    return text;
                value = value[..length];
                if (Anew(value, purposes) is { } sealedAnew)
                    return Convert.ToBase64String(sealedAnew);
                return present.IsMine(value) ? throw Unknown() : text;
            }
        }

        public Task End() => database.Write(async s =>
        {
            foreach (var (name, value) in await s.Sql("SELECT name, value FROM facts").List(row => (row.Text(0), row.Bytes(1))))
            {
                if (name == MasterKey.ChangeFact)
                    continue;
                if (Anew(value, [name]) is { } sealedAnew)
                    await s.Sql("UPDATE facts SET value = @value WHERE name = @name").Bytes("@value", sealedAnew).Text("@name", name).Execute();
                else if (present.IsMine(value))
                    throw Unknown();
            }

            await s.Sql("DELETE FROM facts WHERE name = @name").Text("@name", MasterKey.ChangeFact).Execute();
        }, cancellationToken);

        /// <returns>The value under the new key; as it is when it is that already; null when neither key opens it for any of these purposes.</returns>
        private byte[]? Anew(byte[] value, IEnumerable<string> among)
        {
            foreach (var purpose in among)
            {
                if (present.TryOpen(purpose, value) is { } secret)
                {
                    Sealed++;
                    return next.Seal(purpose, secret);
                }

                if (next.IsMine(value))
                    return value;
            }

            return null;
        }

        private static StoreUnavailableException Unknown() =>
            new("The database holds a sealed value that this version does not know: use the version that wrote it. Until then the present key stays; nothing is lost.");

        private Task<byte[]?> Fact(string name) =>
            database.Read(s => s.Sql("SELECT value FROM facts WHERE name = @name").Text("@name", name).First(row => row.Bytes(0)), cancellationToken);

        [GeneratedRegex("[A-Za-z0-9+/]{36,}={0,2}")]
        private static partial Regex Base64();
    }
}

/// <param name="AlreadyDone">Everything was sealed under the new key before.</param>
/// <param name="Sealed">How many values were sealed anew by this run.</param>
/// <param name="Unreadable">Tokens of iPads, and secrets of people, that the present key does not open either.</param>
public sealed record MasterKeyChanged(bool AlreadyDone, long Sealed, long Unreadable);
