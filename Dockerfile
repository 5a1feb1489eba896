# syntax=docker/dockerfile:1
# One image for all roles. Build: docker build -t fleetmdm .
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source

# The project files first: packages are restored again only when they change.
COPY global.json Directory.Build.props Directory.Packages.props BannedSymbols.txt .editorconfig ./
COPY Protocol/Protocol.csproj Protocol/packages.lock.json Protocol/
COPY Grains.Interfaces/Grains.Interfaces.csproj Grains.Interfaces/packages.lock.json Grains.Interfaces/
COPY Storage/Storage.csproj Storage/packages.lock.json Storage/
COPY Grains/Grains.csproj Grains/packages.lock.json Grains/
COPY Api/Api.csproj Api/packages.lock.json Api/
COPY Silo/Silo.csproj Silo/packages.lock.json Silo/
COPY loadtests/VirtualFleet/VirtualFleet.csproj loadtests/VirtualFleet/packages.lock.json loadtests/VirtualFleet/
RUN dotnet restore Silo/Silo.csproj --locked-mode

COPY . .
RUN dotnet publish Silo/Silo.csproj --configuration Release --no-restore --output /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0
WORKDIR /app
COPY --from=build /app .

# The data directory (SQLite, master key, first token) belongs to the unprivileged user of the base image.
RUN mkdir --mode=700 /data && chown "$APP_UID" /data
VOLUME /data
USER $APP_UID
ENV FLEETMDM__STORAGE__DATADIRECTORY=/data
# For iPads and administrators; between nodes.
EXPOSE 8443 11111

HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["dotnet", "FleetMdm.Silo.dll", "health"]
ENTRYPOINT ["dotnet", "FleetMdm.Silo.dll"]
