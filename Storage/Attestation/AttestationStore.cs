using System.Text.Json;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Attestation;

/// <inheritdoc cref="IAttestationStore"/>
internal sealed class AttestationStore(Database database) : IAttestationStore
{
    private const int LongestProblem = 500;

    private const string Columns =
        "id, challenge_hash, account, invitation_id, renews, authority, udid, serial_number, token, state, problem, key_hash, attested, leaf, certificate, created_at, expires_at, identifier";

    private const string PropertyColumns = "a.udid, a.serial_number, a.os_version, a.sep_os_version, a.software_update_device_id, a.proved_at";

    public async Task<AttestedOrder?> Begin(AttestedOrder order)
    {
        StoredText.Check("The order's id", order.Id);
        StoredText.Check("The invitation's id", order.InvitationId);
        StoredText.Check("The authority", order.Authority);
        StoredText.Check("The UDID", order.Udid);
        StoredText.Check("The serial number", order.SerialNumber);
        return await database.Write(async s =>
        {
            // Whoever comes at the same time waits for this row.
            await s
                .Sql($"""
                    INSERT INTO attested_orders ({Columns})
                    VALUES (@id, @challenge, @account, @invitation, @renews, @authority, @udid, @serial, @token, 0, NULL, NULL, NULL, NULL, NULL, @created, @expires, @identifier)
                    ON CONFLICT (challenge_hash) DO UPDATE SET
                      id = excluded.id, account = excluded.account, token = excluded.token, state = 0, problem = NULL, key_hash = NULL, attested = NULL, leaf = NULL, created_at = excluded.created_at,
                      expires_at = excluded.expires_at, identifier = excluded.identifier
                    WHERE attested_orders.state = 3
                      OR (attested_orders.certificate IS NULL AND (attested_orders.account <> excluded.account OR attested_orders.expires_at < excluded.created_at))
                    """)
                .Text("@id", order.Id).Bytes("@challenge", order.ChallengeHash).Bytes("@account", order.Account).Text("@invitation", order.InvitationId).Bytes("@renews", order.Renews)
                .Text("@authority", order.Authority).Text("@udid", order.Udid).Text("@serial", order.SerialNumber).Text("@token", order.Token).Time("@created", order.CreatedAt)
                .Time("@expires", order.ExpiresAt).Bytes("@identifier", order.SealedIdentifier).Execute();
            return await s.Sql($"SELECT {Columns} FROM attested_orders WHERE challenge_hash = @challenge AND account = @account")
                .Bytes("@challenge", order.ChallengeHash).Bytes("@account", order.Account).First(Read);
        });
    }

    public Task<AttestedOrder?> FindOrder(string id)
    {
        StoredText.Check("The order's id", id);
        return database.Read(s => Find(s, id));
    }

    public async Task<AttestedOrder?> Settle(AttestedOrder order)
    {
        StoredText.Check("The order's id", order.Id);
        var problem = order.Problem is { Length: > LongestProblem } words ? words[..LongestProblem] : order.Problem;
        return await database.Write(async s =>
        {
            var settled = await s
                .Sql("""
                    UPDATE attested_orders SET state = @state, problem = @problem, key_hash = @key, attested = @attested, leaf = @leaf
                    WHERE id = @id AND state = 0
                    """)
                .Text("@id", order.Id).Short("@state", (short)order.State).Text("@problem", problem).Bytes("@key", order.KeyHash)
                .Text("@attested", order.Attested is { } attested ? JsonSerializer.Serialize(attested) : null).Bytes("@leaf", order.Leaf).Execute() > 0;
            if (settled && order is { State: AttestedOrderState.Invalid, SerialNumber: { } serial })
            {
                await s.Sql("UPDATE attestation_tries SET refused = @problem WHERE serial_number = @serial").Text("@problem", problem).Text("@serial", serial).Execute();
            }

            return await Find(s, order.Id);
        });
    }

    public async Task<AttestedOrder?> Complete(string id, byte[] certificate)
    {
        StoredText.Check("The order's id", id);
        return await database.Write(async s =>
        {
            if (await Find(s, id, database.ForUpdate) is not { Attested: { } attested, Leaf: { } leaf } order) return null;
            if (order.State != AttestedOrderState.Ready) return order;
            await s
                .Sql("""
                    INSERT INTO identity_attestations (certificate, udid, serial_number, os_version, sep_os_version, software_update_device_id, proved_at, leaf)
                    VALUES (@certificate, @udid, @serial, @os, @sep, @model, @at, @leaf)
                    ON CONFLICT (certificate) DO NOTHING
                    """)
                .Bytes("@certificate", certificate).Text("@udid", attested.Udid).Text("@serial", attested.SerialNumber).Text("@os", attested.OsVersion).Text("@sep", attested.SepOsVersion)
                .Text("@model", attested.SoftwareUpdateDeviceId).Time("@at", attested.ProvedAt).Bytes("@leaf", leaf).Execute();
            await s.Sql("UPDATE attested_orders SET state = @state, certificate = @certificate WHERE id = @id").Text("@id", id).Short("@state", (short)AttestedOrderState.Valid)
                .Bytes("@certificate", certificate).Execute();
            await s.Sql("DELETE FROM attestation_tries WHERE serial_number = @serial").Text("@serial", attested.SerialNumber).Execute();
            return order with { State = AttestedOrderState.Valid, Certificate = certificate };
        });
    }

    public Task<AttestedProperties?> OfCertificate(byte[] sha256) => database.Read(s => s
        .Sql($"SELECT {PropertyColumns} FROM identity_attestations a WHERE a.certificate = @sha").Bytes("@sha", sha256).First(ReadProperties));

    public Task<AttestedProperties?> OfDevice(string deviceId)
    {
        StoredText.Check("The device id", deviceId);
        // Of the certificate that speaks, and of no older one.
        return database.Read(s => s
            .Sql($"""
                SELECT {PropertyColumns} FROM identity_attestations a
                WHERE a.certificate = (SELECT p.sha256 FROM pins p WHERE p.device_id = @id AND p.dropped_at IS NULL ORDER BY p.pinned_at DESC, p.sha256 LIMIT 1)
                """)
            .Text("@id", deviceId).First(ReadProperties));
    }

    public Task<RenewingIPad?> FindRenewing(byte[] sha256) => database.Read(s => s
        .Sql("""
            SELECT d.udid, d.serial_number, d.product_name, d.os_version,
              EXISTS (SELECT 1 FROM identity_attestations a WHERE a.certificate = p.sha256),
              (SELECT r.failures FROM renewals r WHERE r.device_id = p.device_id AND r.sha256 = p.sha256)
            FROM pins p JOIN devices d ON d.id = p.device_id
            WHERE p.sha256 = @sha
            """)
        .Bytes("@sha", sha256)
        .First(row => new RenewingIPad(row.TextOrNull(0), row.TextOrNull(1), row.TextOrNull(2), row.TextOrNull(3), row.Bool(4), row.IntOrNull(5) ?? 0)));

    public Task<AttestationTry?> FindTry(string serialNumber)
    {
        StoredText.Check("The serial number", serialNumber);
        return database.Read(s => s.Sql("SELECT tries, last_at, refused FROM attestation_tries WHERE serial_number = @serial").Text("@serial", serialNumber)
            .First(row => new AttestationTry(row.Int(0), row.Time(1), row.TextOrNull(2))));
    }

    public Task NoteTry(string serialNumber, DateTimeOffset at)
    {
        StoredText.Check("The serial number", serialNumber);
        return database.Write(async s => await s
            .Sql("""
                INSERT INTO attestation_tries (serial_number, tries, last_at) VALUES (@serial, 1, @at)
                ON CONFLICT (serial_number) DO UPDATE SET
                  tries = CASE WHEN attestation_tries.last_at < @since THEN 1 ELSE attestation_tries.tries + 1 END, last_at = excluded.last_at, refused = NULL
                """)
            .Text("@serial", serialNumber).Time("@at", at).Time("@since", at - IAttestationStore.TriesCountFor).Execute());
    }

    public Task Ask(AttestationQuestion question)
    {
        StoredText.Check("The device id", question.DeviceId);
        StoredText.Check("The command", question.CommandUuid);
        StoredText.Check("Who asks", question.AskedBy);
        return database.Write(async s => await s
            .Sql("""
                INSERT INTO attestation_questions (device_id, command_uuid, nonce, asked_at, asked_by) VALUES (@id, @command, @nonce, @at, @by)
                ON CONFLICT (device_id) DO UPDATE SET command_uuid = excluded.command_uuid, nonce = excluded.nonce, asked_at = excluded.asked_at, asked_by = excluded.asked_by
                """)
            .Text("@id", question.DeviceId).Text("@command", question.CommandUuid).Bytes("@nonce", question.Nonce).Time("@at", question.AskedAt).Text("@by", question.AskedBy).Execute());
    }

    public Task<AttestationQuestion?> FindQuestion(string deviceId)
    {
        StoredText.Check("The device id", deviceId);
        return database.Read(s => s.Sql("SELECT device_id, command_uuid, nonce, asked_at, asked_by FROM attestation_questions WHERE device_id = @id").Text("@id", deviceId)
            .First(row => new AttestationQuestion(row.Text(0), row.Text(1), row.Bytes(2), row.Time(3), row.Text(4))));
    }

    public Task<int> Forget(DateTimeOffset before, DateTimeOffset triesBefore, int limit) => database.Write(async s => Math.Max(
        await s.Sql("DELETE FROM attested_orders WHERE id IN (SELECT id FROM attested_orders WHERE expires_at < @before LIMIT @limit)")
            .Time("@before", before).Int("@limit", limit).Execute(),
        await s.Sql("DELETE FROM attestation_tries WHERE serial_number IN (SELECT serial_number FROM attestation_tries WHERE last_at < @before LIMIT @limit)")
            .Time("@before", triesBefore).Int("@limit", limit).Execute()));

    private static async Task<AttestedOrder?> Find(Session s, string id, string locked = "") =>
        await s.Sql($"SELECT {Columns} FROM attested_orders WHERE id = @id{locked}").Text("@id", id).First(Read);

    private static AttestedProperties ReadProperties(Row row) => new()
    {
        Udid = row.Text(0),
        SerialNumber = row.Text(1),
        OsVersion = row.TextOrNull(2),
        SepOsVersion = row.TextOrNull(3),
        SoftwareUpdateDeviceId = row.TextOrNull(4),
        ProvedAt = row.Time(5),
    };

    private static AttestedOrder Read(Row row) => new()
    {
        Id = row.Text(0),
        ChallengeHash = row.Bytes(1),
        Account = row.Bytes(2),
        InvitationId = row.TextOrNull(3),
        Renews = row.BytesOrNull(4),
        Authority = row.TextOrNull(5),
        Udid = row.TextOrNull(6),
        SerialNumber = row.TextOrNull(7),
        Token = row.Text(8),
        State = (AttestedOrderState)row.Short(9),
        Problem = row.TextOrNull(10),
        KeyHash = row.BytesOrNull(11),
        Attested = row.TextOrNull(12) is { } attested ? JsonSerializer.Deserialize<AttestedProperties>(attested) : null,
        Leaf = row.BytesOrNull(13),
        Certificate = row.BytesOrNull(14),
        CreatedAt = row.Time(15),
        ExpiresAt = row.Time(16),
        SealedIdentifier = row.Bytes(17),
    };
}
