using Npgsql;

namespace FleetMdm.LoadTests.Servers;

/// <summary>
/// iPads of a large district with what they said of themselves, made in the database by statements: several models and versions of iPadOS, one in five not
/// supervised, one in ten all but full, six apps of which most have each. The nth iPad is the same in each run. They never come.
/// </summary>
internal static class District
{
    /// <summary>Some 85 of a hundred iPads have this app.</summary>
    public const string App = "com.example.app3";

    public const string School = "School 7";
    public const string Model = "iPad13,18";

    public static async Task Fill(string connectionString, int ipads)
    {
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString) { CommandTimeout = 1_800 }.ConnectionString);
        foreach (var statement in Statements(ipads))
        {
            await using var command = source.CreateCommand(statement);
            await command.ExecuteNonQueryAsync();
        }
    }

    private static string[] Statements(int ipads) =>
    [
        // c: eight bytes of chance.
        $"""
        INSERT INTO devices (id, device_id, kind, status, version, write_id, udid, serial_number, product_name, model, model_name, device_name, os_version, build_version,
          school, invitation_id, topic, push_token, push_magic, authenticated_at, enrolled_at, token_updated_at, search, is_supervised, battery_level, device_capacity,
          available_device_capacity, details_at, os_number)
        SELECT id, id, 1, CASE WHEN c[7] < 250 THEN 2 ELSE 3 END, 1, gen_random_uuid(), id, serial, product, 'MPQ03', 'iPad', name, os, '22D60',
          'School ' || n % 200, 'invitation' || n % 200, 'com.apple.mgmt.External.load-test', sha256(('t' || n)::bytea), gen_random_uuid()::text,
          now() - interval '300 days', now() - interval '300 days', now() - interval '3 days', lower(serial || ' ' || name || ' ' || id),
          c[1] >= 51, 0.04 + c[2] / 266.0, 64, CASE WHEN c[3] < 26 THEN c[3] / 13.0 ELSE c[3] / 4.0 END, now() - n % 86400 * interval '1 second',
          split_part(os, '.', 1)::bigint * 1000000000 + split_part(os, '.', 2)::bigint * 1000000 + coalesce(nullif(split_part(os, '.', 3), '')::bigint, 0) * 1000
        FROM (
          SELECT n, c, 'FFFFFFFF-' || substr(upper(encode(h, 'hex')), 1, 16) AS id, 'F' || lpad(n::text, 11, '0') AS serial, 'iPad ' || n AS name,
            (ARRAY['iPad7,11', 'iPad11,6', 'iPad12,1', '{Model}', 'iPad13,16', 'iPad15,7'])[1 + c[4] % 6] AS product,
            (ARRAY['15.8.3', '16.7.10', '17.4.1', '17.7.2', '18.3', '18.6.2', '26.0', '26.1'])[1 + c[5] % 8] AS os
          FROM (
            SELECT n, h, ARRAY(SELECT get_byte(h, i) FROM generate_series(8, 15) i) AS c
            FROM (SELECT n, sha256(n::text::bytea) AS h FROM generate_series(1, {ipads}) n) hashed) chances) ipads
        """,
        """
        INSERT INTO device_activity (id, last_seen_at, pushed_at, refresh_at)
        SELECT id, now() - (get_byte(sha256(id::bytea), 20) ^ 2) * interval '10 minutes', now() - interval '1 day', now() + interval '30 days'
        FROM devices WHERE id LIKE 'FFFFFFFF-%'
        """,
        "INSERT INTO inventory_lists (device_id, list, digest, as_of, changed_at, items, cut) SELECT id, 1, gen_random_uuid(), now(), now(), 5, false FROM devices WHERE id LIKE 'FFFFFFFF-%'",
        """
        INSERT INTO inventory_items (device_id, list, key, name, value, details)
        SELECT id, 1, 'com.example.app' || a, 'App ' || a, '14.' || a, '{"BundleSize":412000000}' FROM devices, generate_series(1, 6) a
        WHERE id LIKE 'FFFFFFFF-%' AND get_byte(sha256(id::bytea), a) < 216
        """,
        "VACUUM ANALYZE",
        "CHECKPOINT",
    ];
}
