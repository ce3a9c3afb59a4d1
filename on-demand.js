"use strict"
module.exports = (core) => { const module = { exports: {} }
"use strict";var __create=Object.create;var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __getProtoOf=Object.getPrototypeOf;var __hasOwnProp=Object.prototype.hasOwnProperty;var __commonJS=(cb,mod)=>function __require(){try{return mod||(0,cb[__getOwnPropNames(cb)[0]])((mod={exports:{}}).exports,mod),mod.exports}catch(e){throw mod=0,
e}};var __export=(target,all2)=>{for(var name in all2)__defProp(target,name,{get:all2[name],enumerable:true})};var __copyProps=(to,from,except,desc)=>{if(from&&typeof from===
"object"||typeof from==="function"){for(let key of __getOwnPropNames(from))if(!__hasOwnProp.call(to,key)&&key!==except)__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable})}return to};var __toESM=(mod,isNodeMode,target)=>(target=mod!=null?__create(__getProtoOf(mod)):{},__copyProps(isNodeMode||!mod||!mod.__esModule?__defProp(target,"default",{
value:mod,enumerable:true}):target,mod));var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:true}),mod);var require_arguments=__commonJS({"core:arguments/arguments"(exports2,module2){module2.exports=core["arguments/arguments"]}});var require_limits=__commonJS({"core:arguments/limits"(exports2,module2){module2.exports=core["arguments/limits"]}});var require_open_options=__commonJS({"core:arguments/open-options"(exports2,module2){module2.exports=core["arguments/open-options"]}});var require_option_check=__commonJS({"core:arguments/option-check"(exports2,module2){module2.exports=core["arguments/option-check"]}});var require_option_table=__commonJS({"core:arguments/option-table"(exports2,module2){module2.exports=core["arguments/option-table"]}});var require_errors=__commonJS({"core:errors"(exports2,module2){module2.exports=core["errors"]}});var require_namespace=__commonJS({"core:arguments/namespace"(exports2,module2){module2.exports=core["arguments/namespace"]}});var require_deadline=__commonJS({"core:connection/deadline"(exports2,module2){module2.exports=core["connection/deadline"]}});var require_failures=__commonJS({"core:connection/failures"(exports2,module2){module2.exports=core["connection/failures"]}});var require_object_id=__commonJS({"core:ids/object-id"(exports2,module2){module2.exports=core["ids/object-id"]}});var require_abort=__commonJS({"core:connection/abort"(exports2,module2){module2.exports=core["connection/abort"]}});var require_uuid=__commonJS({"core:ids/uuid"(exports2,module2){module2.exports=core["ids/uuid"]}});var features_exports={};__export(features_exports,{importFile:()=>importFile,payloads:()=>payloads,writeDump:()=>writeDump});module.exports=__toCommonJS(features_exports);var import_node_fs6=require("node:fs");var import_node_path3=require("node:path");var import_arguments2=__toESM(require_arguments());var import_limits6=__toESM(require_limits());
var import_open_options=__toESM(require_open_options());var import_option_check=__toESM(require_option_check());var import_option_table=__toESM(require_option_table());
var import_errors9=__toESM(require_errors());var import_node_buffer2=require("node:buffer");var import_limits3=__toESM(require_limits());var import_errors4=__toESM(require_errors());var import_node_buffer=require("node:buffer");var import_node_fs=require("node:fs");var import_node_stream=require("node:stream");var import_node_zlib=require("node:zlib");
var import_limits=__toESM(require_limits());var import_errors=__toESM(require_errors());var NEWLINE=10;var RETURN=13;var MARK=Buffer.from([239,187,191]);var PIECE=256<<
10;var SourceDamage=class extends Error{};var Source=class{constructor(path,told){this.path=path;this.told=told}path;told;isCompressed=false;async*pieces(){const stream=(0,import_node_fs.createReadStream)(
this.path,{highWaterMark:PIECE});let unzip;try{this.isCompressed=await startsWith(this.path,[31,139]);if(this.isCompressed){unzip=(0,import_node_zlib.createGunzip)(
{chunkSize:PIECE});(0,import_node_stream.pipeline)(import_node_stream.Readable.from(this.#counted(stream)),unzip,()=>{})}for await(const piece of unzip??this.#counted(
stream))yield piece}catch(error){throw this.#failure(error)}finally{unzip?.destroy();stream.destroy()}}async*#counted(stream){for await(const piece of stream){this.
told(piece.length);yield piece}}#failure(error){if(typeof error.code==="string"&&error.code.startsWith("Z_"))return new SourceDamage(`its compression is damaged\
: ${error.message}`);return error.syscall===void 0?error:unreadable(this.path,error)}async*text(){let head=Buffer.alloc(0);for await(const piece of this.pieces()){
if(head===void 0){yield piece;continue}head=Buffer.concat([head,piece]);if(head.length<MARK.length)continue;const first=head;head=void 0;yield this.#start(first)}
if(head!==void 0&&head.length>0)yield this.#start(head)}#start(head){if(head[0]===255&&head[1]===254||head[0]===254&&head[1]===255)throw new SourceDamage("it is\
 text in UTF-16; save it as UTF-8");return head.subarray(0,MARK.length).equals(MARK)?head.subarray(MARK.length):head}};async function*linesOf(source){let rest=[];
let kept=0;let length=0;let line=1;let offset=0;const take=(last,isEnded)=>{const whole=length+last.length;const bytes=kept+last.length>import_limits.MAX_LINE_BYTES?
Buffer.alloc(0):rest.length===0?last:Buffer.concat([...rest,last]);const found={bytes:withoutReturn(bytes),line,offset,length:whole+(isEnded?1:0),isEnded};rest=
[];kept=0;length=0;line+=1;offset+=found.length;return found};for await(const piece of source.text()){const lines=[];let start=0;for(let end=piece.indexOf(NEWLINE);end>=
0;end=piece.indexOf(NEWLINE,start)){lines.push(take(piece.subarray(start,end),true));start=end+1}if(start<piece.length){const part2=piece.subarray(start);if(kept<=
import_limits.MAX_LINE_BYTES){rest.push(part2);kept+=part2.length}length+=part2.length}if(lines.length>0)yield lines}if(length>0)yield[take(Buffer.alloc(0),false)]}
function withoutReturn(bytes){return bytes.at(-1)===RETURN?bytes.subarray(0,-1):bytes}function textOf(bytes){if(!(0,import_node_buffer.isUtf8)(bytes))throw new SyntaxError(
"text that is not UTF-8");return Buffer.from(bytes.buffer,bytes.byteOffset,bytes.byteLength).toString("utf8")}async function headOf(path,length){const stream=(0,import_node_fs.createReadStream)(
path,{end:length-1});const pieces=[];try{for await(const piece of stream)pieces.push(piece)}catch(error){throw unreadable(path,error)}return Buffer.concat(pieces)}
async function startsWith(path,bytes){return(await headOf(path,bytes.length)).equals(Buffer.from(bytes))}function entryAt(where,path){try{const found=(0,import_node_fs.statSync)(
path);if(!found.isDirectory()&&!found.isFile())throw new import_errors.MoltenError("IO",`${where}: ${path} is neither a file nor a directory`,{file:path});return{
isDirectory:found.isDirectory(),bytes:found.isFile()?found.size:0}}catch(error){if(import_errors.MoltenError.isMoltenError(error))throw error;throw unreadable(path,
error,where)}}function unreadable(path,cause,where){const reason=cause.code==="ENOENT"?"there is no such file":cause.code==="EISDIR"?"it is a directory":cause.message;
return new import_errors.MoltenError("IO",`${where===void 0?"":`${where}: `}cannot read ${path}: ${reason}`,{file:path,cause})}var MAX_DEPTH=100;var WRAPPERS=new Set(["$oid","$date","$binary","$numberLong","$numberDouble","$numberInt","$numberDecimal","$uuid","$timestamp","$regularExpre\
ssion","$undefined","$minKey","$maxKey","$code","$symbol","$dbPointer"]);var ValueFault=class extends Error{};var isWrapper=key=>key.startsWith("$")&&WRAPPERS.has(
key.replace(/^\$+/,"$"));function lineOf(document,revive2,isExtended=false){return JSON.stringify(plain(document,revive2,1,isExtended))}function plain(value,revive2,level,isExtended){
if(typeof value==="number")return Object.is(value,-0)||!Number.isFinite(value)?{$numberDouble:Object.is(value,-0)?"-0.0":String(value)}:value;if(typeof value===
"bigint")return{$numberLong:String(value)};if(value instanceof Date)return dateOf(value);if(value instanceof Hex)return{$oid:value.digits};if(typeof value!=="ob\
ject"||value===null)return value;if(level>MAX_DEPTH)throw new ValueFault(`it is nested deeper than ${MAX_DEPTH} levels`);if(Array.isArray(value))return value.map(
element=>plain(element,revive2,level+1,isExtended));const revived=revive2?.(value);if(revived!==void 0&&revived!==value)return plain(revived,void 0,level,isExtended);
let isFirst=true;const object={};for(const[key,content]of Object.entries(value)){if(content===void 0)continue;put(object,isFirst&&!isExtended&&isWrapper(key)?`$${key}`:
key,plain(content,revive2,level+1,isExtended));isFirst=false}return object}function dateOf(date){if(Number.isNaN(date.getTime()))throw new ValueFault("a date is\
 invalid");return{$date:{$numberLong:String(date.getTime())}}}function put(object,key,value){if(key==="__proto__")Object.defineProperty(object,key,{value,enumerable:true,
configurable:true,writable:true});else object[key]=value}var Hex=class{constructor(digits){this.digits=digits}digits};var NUMBER=/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
var DATE=/^[-+]?\d{4,6}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[-+]\d\d:?\d\d)?)?)?$/i;function typed(text2,type){if(type==="string")return text2;const trimmed=text2.
trim();if(trimmed==="")return null;const wrong=what=>new ValueFault(`${JSON.stringify(text2.length>40?`${text2.slice(0,40)}...`:text2)} is no ${what}`);switch(type){case"\
number":if(!NUMBER.test(trimmed))throw wrong("number");if(/^[-+]?\d+$/.test(trimmed)&&BigInt(Number(trimmed))!==BigInt(trimmed.replace("+","")))throw wrong("num\
ber that JavaScript has exactly; the type long holds 64 bits");return Number(trimmed);case"long":if(!/^[-+]?\d{1,19}$/.test(trimmed)||BigInt.asIntN(64,BigInt(trimmed.
replace("+","")))!==BigInt(trimmed.replace("+","")))throw wrong("whole number of 64 bits");return BigInt(trimmed.replace("+",""));case"boolean":if(/^(true|yes|1)$/i.
test(trimmed))return true;if(/^(false|no|0)$/i.test(trimmed))return false;throw wrong("boolean: true, false, yes, no, 1 or 0");case"date":{const hasZone=/(Z|[-+]\d\d:?\d\d)$/i.
test(trimmed)&&trimmed.includes(":");const iso=trimmed.replace(" ","T");const date=DATE.test(trimmed)?new Date(iso.includes(":")&&!hasZone?`${iso}Z`:iso):/^-?\d{5,16}$/.
test(trimmed)?new Date(Number(trimmed)):void 0;if(date===void 0||Number.isNaN(date.getTime()))throw wrong("date: ISO 8601, or milliseconds");return date}default:
if(!/^[\da-f]{24}$/i.test(trimmed))throw wrong("ObjectId: 24 hexadecimal digits");return new Hex(trimmed.toLowerCase())}}function inferred(text2){if(text2==="")
return null;if(text2==="true")return true;if(text2==="false")return false;const number2=Number(text2);return NUMBER.test(text2)&&String(number2)===text2?number2:
text2}function withTypes(document,types){for(const[path,type]of types)retype(document,path,type)}function retype(value,path,type){if(Array.isArray(value))return value.
forEach(element=>retype(element,path,type));const[key,...rest]=path;if(typeof value!=="object"||value===null||key===void 0||!Object.hasOwn(value,key))return;const object=value;
const content=object[key];if(rest.length>0)return retype(content,rest,type);try{if(Array.isArray(content))put(object,key,content.map(element=>as(element,type)));else
put(object,key,as(content,type))}catch(fault){throw new ValueFault(`${path.join(".")}: ${fault.message}`)}}function as(value,type){if(typeof value==="string")return typed(
value,type);return typeof value==="number"&&(type==="date"||type==="long")?typed(String(value),type):value}var import_node_crypto=require("node:crypto");var import_node_path=require("node:path");var import_arguments=__toESM(require_arguments());var import_limits2=__toESM(require_limits());
var import_namespace=__toESM(require_namespace());var import_deadline=__toESM(require_deadline());var import_failures=__toESM(require_failures());var import_errors3=__toESM(require_errors());var import_node_fs2=require("node:fs");var import_errors2=__toESM(require_errors());var LISTED=100;var Report=class{constructor(where,rejects){this.where=where;
this.rejects=rejects;if(rejects!==void 0&&(0,import_node_fs2.existsSync)(rejects))throw new import_errors2.MoltenError("IO",`${where}: ${rejects} is there alrea\
dy; name another file for what is rejected`,{file:rejects})}where;rejects;#rejected=[];#collections=new Map;#notes=new Set;#count=0;#file;get rejected(){return this.#count}total(of){
let sum=0;for(const collection of this.#collections.values())sum+=collection[of];return sum}of(database,collection){const name=`${database}\0${collection}`;const found=this.#collections.
get(name)??{database,collection,imported:0,skipped:0,rejected:0,indexes:0};this.#collections.set(name,found);return found}note(text2){this.#notes.add(text2)}reject({
file,line,offset,length,bytes},{message,path},of){const entry={file,...of&&{collection:of.collection},line,offset,length,...path!==void 0&&{path},reason:message};
this.#count+=1;if(of)of.rejected+=1;if(this.#rejected.length<LISTED)this.#rejected.push(entry);if(this.rejects===void 0)return;try{this.#file??=(0,import_node_fs2.openSync)(
this.rejects,"wx",384);(0,import_node_fs2.writeSync)(this.#file,`${JSON.stringify({...entry,...bytes&&contentOf(bytes)})}
`)}catch(error){const cause=error;throw new import_errors2.MoltenError(cause.code==="ENOSPC"?"STORAGE_FULL":"IO",`${this.where}: what is left out cannot be kept\
 in ${this.rejects}: ${cause.message}`,{file:this.rejects,cause})}}close(){if(this.#file!==void 0)(0,import_node_fs2.closeSync)(this.#file);this.#file=void 0}result(format){
const collections=[...this.#collections.values()];return{format,imported:this.total("imported"),skipped:this.total("skipped"),rejectedRecords:this.#count,rejected:this.#rejected,
indexes:collections.reduce((sum,{indexes})=>sum+indexes,0),collections,notes:[...this.#notes]}}};function contentOf(bytes){const buffer=Buffer.from(bytes.buffer,
bytes.byteOffset,bytes.byteLength);const text2=buffer.toString("utf8");return Buffer.from(text2).equals(buffer)&&!text2.includes("\0")?{text:text2}:{base64:buffer.
toString("base64")}}var WHERE="Database.importFile";var BREAK=Buffer.from("\n");var OF_FILES=new Set(["CLOSED","READ_ONLY","STORAGE_POISONED","STORAGE_FULL","IO","INTERNAL"]);var Work=class{constructor(connection,home,plan,rejects){
this.connection=connection;this.home=home;this.plan=plan;this.report=new Report(WHERE,rejects);this.limit=new import_deadline.StreamLimit(WHERE,plan)}connection;home;plan;report;limit;#targets=new Map;#bytes=0;#total=0;expect(bytes){
this.#total+=bytes}source(path){return new Source(path,bytes=>{this.#bytes+=bytes;this.limit.check()})}told(){const{report,plan}=this;plan.onProgress?.({imported:report.
total("imported"),skipped:report.total("skipped"),rejected:report.rejected,bytes:this.#bytes,totalBytes:Math.max(this.#total,this.#bytes)})}wants(collection){return this.
plan.collections?.includes(collection)??true}async target(file,name,{home=this.home,bson=false}={}){const key=`${home.databaseName}\0${name}`;const known=this.#targets.
get(key);if(known)return known;const fault=faultOf(name);if(fault!==void 0){const refusing=new Target(this,void 0,this.report.of(home.databaseName,name),bson,fault);
this.#targets.set(key,refusing);return refusing}const[there]=await home.listCollections({name},{nameOnly:true}).toArray();if(there?.type==="view")throw new import_errors3.MoltenError(
"NOT_SUPPORTED",`${WHERE}: ${name} is a view, which holds no documents; name another collection`);const{batchSize,ifExists,onError,idField}=this.plan;const seed=(0,import_node_crypto.createHash)(
"sha256").update(`${(0,import_node_path.basename)(file)}\0${name}`).digest().subarray(0,10);const details={bson,goesOn:onError==="skip",seed,...idField!==void 0&&
{idField}};this.connection.checkOpen(WHERE);let native;try{const{databaseName}=home;const database=databaseName===this.connection.database.name?this.connection.
database:(0,import_namespace.otherDatabase)(databaseName);native=this.connection.native.importLines((0,import_namespace.coreName)(database),batchSize,ifExists,name,
details)}catch(error){throw(0,import_failures.errorOfNative)(WHERE,error)}const made=new Target(this,native,this.report.of(home.databaseName,name),bson);this.#targets.
set(key,made);return made}async reject(place,message,of,kind="BAD_DOCUMENT"){if(this.plan.onError==="skip")return this.report.reject(place,{kind,message},of);await this.
flush();this.refuse(place,{kind,message})}refuse(place,{kind,message,...details}){const imported=this.report.total("imported");const kept=`${imported} ${imported===
1?"document":"documents"} before it ${imported===1?"is":"are"} imported`;const advice=this.plan.onError==="stop"&&!OF_FILES.has(kind)?"; onError: 'skip' leaves \
such records out":"";throw new import_errors3.MoltenError(kind,`${WHERE}: ${place.file}, ${placeText(place)}: ${message}; ${kept}${advice}`,{...details,file:place.
file,line:place.line,...place.offset!==null&&{offset:place.offset}})}async flush(){for(const target of this.#targets.values())await target.flush()}};function faultOf(name){
try{(0,import_arguments.checkCollectionName)(WHERE,name,"the collection");return void 0}catch(error){return error.message.replace(`${WHERE}: `,"")}}function placeText({
file,line}){return/\.bson(\.gz)?$|\.archive|#/.test(file)?`document ${line}`:`line ${line}`}var Target=class{constructor(work,native,counts,isBson,fault){this.work=
work;this.native=native;this.counts=counts;this.isBson=isBson;this.fault=fault}work;native;counts;isBson;fault;#parts=[];#places=[];#bytes=0;add(record,place){if(this.
isBson)this.#parts.push(record);else if(typeof record==="string")this.#parts.push(`${record}
`);else this.#parts.push(record,BREAK);this.#places.push(place);this.#bytes+=record.length+1;return this.#bytes>=import_limits2.IMPORT_PIECE_BYTES}async reject(place,message){
await this.work.reject(place,message,this.counts);if(!this.isBson&&this.add("",place))await this.flush()}async flush(){const{work,counts}=this;let places=this.#places;
let text2=joined(this.#parts);this.#parts=[];this.#places=[];this.#bytes=0;const{native}=this;if(native===void 0){const reason={kind:"BAD_DOCUMENT",message:this.
fault};for(const place of places){if(work.plan.onError==="stop")work.refuse(place,reason);work.report.reject(place,reason,counts)}return}while(text2.length>0){const done=JSON.
parse(await work.connection.step(WHERE,()=>native.lines(text2)));counts.imported+=done.imported;counts.skipped+=done.skipped;for(const{line,offset:_offset,length:_length,
...reason}of done.rejected.toSorted((a,b)=>a.line-b.line))work.report.reject(places[line-1],reason,counts);if(done.failure){const{line,offset:_offset,length:_length,
...reason}=done.failure;work.refuse(places[line-1],reason)}text2=text2.subarray(done.bytes);places=places.slice(done.lines);work.told();work.limit.check()}}};function joined(parts){
if(parts.every(part2=>typeof part2==="string"))return Buffer.from(parts.join(""));return Buffer.concat(parts.map(part2=>typeof part2==="string"?Buffer.from(part2):
part2))}var QUOTE='"';var SEPARATORS=[",",";","	","|"];var START=0;var BARE=1;var QUOTED=2;var CLOSED=3;async function importCsv(work,path,collection){const target=await work.
target(path,collection);const source=work.source(path);const columns=work.plan.header&&columnsOf(work.plan.header,work);const rows=new Rows(source,work.plan.separator??
(/\.tsv(\.gz)?$/i.test(path)?"	":void 0));try{await addRows(work,target,source,rows,columns)}catch(error){if(!(error instanceof SourceDamage))throw error;await target.
reject({file:path,line:rows.line,offset:source.isCompressed?null:rows.offset,length:0},`${error.message}; nothing after it can be read`)}}async function addRows(work,target,source,rows,given){
let columns=given;for await(const row of rows.all()){const place={file:source.path,line:row.line,offset:source.isCompressed?null:row.offset,length:row.bytes.length,
bytes:row.bytes};if(row.cells.length===1&&row.cells[0].text===""&&!row.cells[0].isQuoted&&row.fault===void 0){if(columns!==void 0&&target.add("",place))await target.
flush();continue}if(columns===void 0){if(row.fault!==void 0)throw new import_errors4.MoltenError("BAD_DOCUMENT",`${WHERE}: ${source.path}, line ${row.line}: the\
 names of the columns cannot be read: ${row.fault}`,{file:source.path,line:row.line});columns=columnsOf(row.cells.map(({text:text2})=>text2),work,source.path);continue}
try{if(row.fault!==void 0)throw new ValueFault(row.fault);if(!(0,import_node_buffer2.isUtf8)(row.bytes))throw new ValueFault("text that is not UTF-8");if(row.cells.
length!==columns.length)throw new ValueFault(`the row has ${row.cells.length} ${row.cells.length===1?"cell":"cells"}, and there are ${columns.length} columns`);
if(target.add(lineOf(documentOf(columns,row.cells,work.plan.infer===true)),place))await target.flush()}catch(error){if(!(error instanceof ValueFault))throw error;
await target.reject(place,error.message)}}}function columnsOf(names,{plan},file){const wrong=message=>new import_errors4.MoltenError("BAD_DOCUMENT",`${WHERE}: ${file===
void 0?"option header":`the first line of ${file}`}: ${message}; the option header names the columns of a file without such a line`,file===void 0?{}:{file,line:1});
const columns=names.map(name=>({path:name.trim().split("."),type:plan.types&&Object.hasOwn(plan.types,name.trim())?plan.types[name.trim()]:void 0}));const known=new Set;
for(const[index,{path}]of columns.entries()){const name=path.join(".");if(path.includes(""))throw wrong(`column ${index+1} has ${name===""?"no name":`the name ${JSON.
stringify(name)}, which is no path`}`);if(known.has(name))throw wrong(`two columns have the name ${JSON.stringify(name)}`);known.add(name)}for(const{path}of columns){
const outer=path.map((_,index)=>path.slice(0,index).join(".")).find(start=>start!==""&&known.has(start));if(outer!==void 0)throw wrong(`${JSON.stringify(path.join(
"."))} is a field of ${JSON.stringify(outer)}, which is a column too`)}const unknown=Object.keys(plan.types??{}).find(name=>!known.has(name));if(unknown!==void 0)
throw wrong(`option types names ${JSON.stringify(unknown)}, which is no column`);return columns}function documentOf(columns,cells,infers){const document={};for(const[
index,{path,type}]of columns.entries()){const{text:text2,isQuoted}=cells[index];let value=text2;try{if(type!==void 0)value=typed(text2,type);else if(infers&&!isQuoted)
value=inferred(text2)}catch(fault){throw new ValueFault(`${path.join(".")}: ${fault.message}`)}let object=document;for(const key of path.slice(0,-1)){if(!Object.
hasOwn(object,key))put(object,key,{});object=object[key]}put(object,path.at(-1),value)}return document}var Rows=class{constructor(source,separator){this.source=
source;this.#separator=separator}source;line=1;offset=0;#rest="";#separator;#looked=0;#place=START;async*all(){for await(const piece of this.source.text()){this.#rest+=
piece.toString("latin1");yield*this.#whole(false);if(this.#rest.length>import_limits3.MAX_LINE_BYTES)throw new SourceDamage(`a row is longer than ${import_limits3.MAX_LINE_BYTES>>
20} MiB, perhaps because of a quote that is not closed`)}yield*this.#whole(true)}*#whole(isLast){const text2=this.#rest;let start=0;for(let at=this.#looked;at<text2.
length;at++){const letter=text2.charCodeAt(at);if(this.#place===QUOTED){if(letter===34)this.#place=CLOSED}else if(letter===34&&this.#place!==BARE){this.#place=QUOTED}else if(letter===
10){this.#place=START;yield this.#row(text2.slice(start,at+1));start=at+1}else{this.#place=this.#isSeparator(letter)?START:BARE}}if(isLast&&start<text2.length){
yield this.#row(text2.slice(start));start=text2.length}this.#rest=text2.slice(start);this.#looked=text2.length-start}#isSeparator(letter){return this.#separator===
void 0?SEPARATORS.includes(String.fromCharCode(letter)):letter===this.#separator.charCodeAt(0)}#row(text2){const{line,offset}=this;this.offset+=text2.length;for(let end=text2.
indexOf("\n");end>=0;end=text2.indexOf("\n",end+1))this.line+=1;const content=text2.replace(/\r?\n$/,"");this.#separator??=separatorOf(content);return{...cellsOf(
content,this.#separator),line,offset,bytes:Buffer.from(content,"latin1")}}};function separatorOf(line){const bare=line.replace(/"[^"]*"/g,"");const counts=SEPARATORS.
map(separator=>bare.split(separator).length);return SEPARATORS[counts.indexOf(Math.max(...counts))]}function cellsOf(row,separator){const cells=[];let at=0;for(;;){
if(row[at]===QUOTE){const{text:text2,end}=quoted(row,at+1);if(end<0)return{cells,fault:"a quote is not closed"};cells.push({text:decoded(text2),isQuoted:true});
if(end<row.length&&row[end]!==separator)return{cells,fault:`${JSON.stringify(decoded(row.slice(end,end+10)))} follows a quote that is closed`};if(end>=row.length)
return{cells};at=end+1}else{const end=row.indexOf(separator,at);cells.push({text:decoded(row.slice(at,end<0?void 0:end)),isQuoted:false});if(end<0)return{cells};
at=end+1}}}function quoted(row,from){let text2="";let at=from;for(;;){const end=row.indexOf(QUOTE,at);if(end<0)return{text:text2,end:-1};text2+=row.slice(at,end);
if(row[end+1]!==QUOTE)return{text:text2,end:end+1};text2+=QUOTE;at=end+2}}function decoded(latin1){return/^[\u0000-\u007f]*$/.test(latin1)?latin1:Buffer.from(latin1,
"latin1").toString("utf8")}var import_node_buffer3=require("node:buffer");var import_node_crypto2=require("node:crypto");var import_node_fs3=require("node:fs");var import_errors5=__toESM(require_errors());var import_limits4=__toESM(require_limits());var JsonDamage=class extends Error{constructor(message,line,offset){super(message);this.line=line;this.offset=offset}line;offset};
var QUOTE2=34;var BACKSLASH=92;var COMMA=44;var COLON=58;var OPEN={array:91,object:123};var CLOSE={array:93,object:125};var NEWLINE2=10;var isSpace=byte=>byte===
32||byte===NEWLINE2||byte===13||byte===9;var JsonScan=class{constructor(step,seen){this.step=step;this.seen=seen}step;seen;#state="value";#inside=[];#depth=0;#isText=false;#isEscaped=false;#isKey=false;#isArray=false;#keeps=true;#kept=[];#keptBytes=0;#from=0;#start=0;#before=0;#line=1;#counted=0;#found=[];feed(piece){
this.#found=[];this.#counted=0;this.#from=0;let at=0;while(at<piece.length)at=this.#next(piece,at);if(this.#isKeeping)this.#keep(piece.subarray(this.#from),piece);
this.#count(piece,piece.length);this.#before+=piece.length;return this.#found}end(){if(this.#state==="literal"&&this.#inside.length===0)return;if(this.#state!==
"done")throw new JsonDamage(this.#before===0?"it is empty":`it ends within ${this.#inside.length>0||this.#state!=="value"?"a value":"nothing"}; the end is missi\
ng`,this.#line,this.#before)}get#isKeeping(){return this.#state==="opening"||this.#state==="inside"||this.#state==="string"||this.#state==="literal"}get#path(){
return this.#inside.map(({at})=>at)}#keep(part2,piece){if(!this.#keeps||part2.length===0)return;this.#keptBytes+=part2.length;if(this.#keptBytes>import_limits4.MAX_LINE_BYTES)
throw this.#damage(`a value is longer than ${import_limits4.MAX_LINE_BYTES>>20} MiB; a document has at most 16 MiB`,piece,this.#from);this.#kept.push(part2)}#count(piece,to){
for(let end=piece.indexOf(NEWLINE2,this.#counted);end>=0&&end<to;end=piece.indexOf(NEWLINE2,end+1))this.#line+=1;this.#counted=Math.max(this.#counted,to)}#damage(message,piece,at){
this.#count(piece,at);return new JsonDamage(message,this.#line,this.#before+at)}#startLine=1;#begin(piece,at,state){this.#count(piece,at);this.#startLine=this.#line;
this.#start=this.#before+at;this.#from=at;this.#kept=[];this.#keptBytes=0;this.#keeps=true;this.#state=state}#next(piece,at){switch(this.#state){case"inside":return this.#within(
piece,at);case"string":return this.#throughText(piece,at);case"literal":return this.#throughLiteral(piece,at);default:break}const byte=piece[at];if(isSpace(byte))
return at+1;const wrong=expected=>this.#damage(`${expected} is expected where ${JSON.stringify(String.fromCharCode(byte))} stands`,piece,at);const container=this.#inside.
at(-1);switch(this.#state){case"opening":{const isArray=this.#isArray;const step=this.step(this.#path,isArray,byte);if(step==="into"){this.#inside.push({isArray,
at:isArray?0:""});this.#state=isArray?"valueOrEnd":"keyOrEnd"}else{this.#keeps=step==="whole";this.#depth=1;this.#isText=false;this.#isEscaped=false;this.#state=
"inside"}return at}case"keyOrEnd":case"key":if(byte===CLOSE.object&&this.#state==="keyOrEnd")return this.#leave(at);if(byte!==QUOTE2)throw wrong("a key");this.#isKey=
true;this.#begin(piece,at,"string");this.#isEscaped=false;return at+1;case"colon":if(byte!==COLON)throw wrong("a colon");this.#state="value";return at+1;case"co\
mmaOrEnd":if(container===void 0)throw wrong("the end");if(byte===(container.isArray?CLOSE.array:CLOSE.object))return this.#leave(at);if(byte!==COMMA)throw wrong(
`a comma or ${container.isArray?"]":"}"}`);if(container.isArray)container.at+=1;this.#state=container.isArray?"value":"key";return at+1;case"done":throw wrong("\
the end");default:if(byte===CLOSE.array&&this.#state==="valueOrEnd")return this.#leave(at);if(byte===OPEN.array||byte===OPEN.object){this.#isArray=byte===OPEN.array;
this.#begin(piece,at,"opening");return at+1}if(byte===QUOTE2){this.#isKey=false;this.#begin(piece,at,"string");this.#isEscaped=false;return at+1}if(!/[-\w]/.test(
String.fromCharCode(byte)))throw wrong("a value");this.#begin(piece,at,"literal");return at+1}}#leave(at){this.#inside.pop();this.#state=this.#inside.length===0?
"done":"commaOrEnd";return at+1}#within(piece,from){let at=from;for(;at<piece.length;at++){const byte=piece[at];if(this.#isText){if(this.#isEscaped)this.#isEscaped=
false;else if(byte===BACKSLASH)this.#isEscaped=true;else if(byte===QUOTE2)this.#isText=false}else if(byte===QUOTE2){this.#isText=true}else if(byte===OPEN.object||
byte===OPEN.array){this.#depth+=1}else if(byte===CLOSE.object||byte===CLOSE.array){this.#depth-=1;if(this.#depth===0){this.#take(piece,at+1);return at+1}}}return at}#throughText(piece,from){
let at=from;for(;at<piece.length;at++){const byte=piece[at];if(this.#isEscaped)this.#isEscaped=false;else if(byte===BACKSLASH)this.#isEscaped=true;else if(byte===
QUOTE2){this.#take(piece,at+1);return at+1}}return at}#throughLiteral(piece,from){let at=from;while(at<piece.length&&/[-+.\w]/.test(String.fromCharCode(piece[at])))
at+=1;if(at<piece.length)this.#take(piece,at);return at}#take(piece,end){if(this.#keeps){this.#keep(piece.subarray(this.#from,end),piece);const bytes=this.#kept.
length===1?this.#kept[0]:Buffer.concat(this.#kept);if(this.#state==="string"&&this.#isKey){this.#inside.at(-1).at=this.#key(bytes,piece);this.#state="colon";return}
const path=this.#path;this.seen?.(path,bytes);this.#found.push({path,bytes,line:this.#startLine,offset:this.#start})}this.#kept=[];this.#state=this.#inside.length===
0?"done":"commaOrEnd"}#key(bytes,piece){try{return JSON.parse(bytes.toString())}catch{throw this.#damage("a key is no text of JSON",piece,this.#from)}}};function inOneLine(bytes){
if(!bytes.includes(NEWLINE2))return bytes;const line=Buffer.from(bytes);let isText=false;let isEscaped=false;for(let at=0;at<line.length;at++){const byte=line[at];
if(byte===NEWLINE2){if(isText)return void 0;line[at]=32}else if(isEscaped){isEscaped=false}else if(isText&&byte===BACKSLASH){isEscaped=true}else if(byte===QUOTE2){
isText=!isText}}return line}var BRACE=123;async function scanned(work,source,step,take,of,seen){const scan=new JsonScan(step,seen);try{for await(const piece of source.text()){for(const found of scan.
feed(piece))await take(found,placeOf(source,found))}scan.end()}catch(error){if(!(error instanceof JsonDamage)&&!(error instanceof SourceDamage))throw error;const{
line,offset}=error instanceof JsonDamage?error:{line:1,offset:0};const place={file:source.path,line,offset:source.isCompressed?null:offset,length:0};await work.
reject(place,`${error.message}; nothing after it can be read`,of?.())}}function placeOf(source,{line,offset,bytes}){return{file:source.path,line,offset:source.isCompressed?
null:offset,length:bytes.length,bytes}}async function importJson(work,path,collection){const target=await work.target(path,collection);const add2=adder(work);await scanned(
work,work.source(path),(at,isArray)=>isArray&&at.length===0?"into":"whole",(found,place)=>add2(target,found.bytes,place),()=>target.counts)}function adder(work){
const types=typesOf(work);return async(target,bytes,place)=>{try{let line;if(types.length===0){line=inOneLine(bytes);if(line===void 0)throw new ValueFault("a li\
ne break stands within a text")}else{const document=JSON.parse(textOf(bytes));withTypes(document,types);line=lineOf(document,void 0,true)}if(target.add(line,place))
await target.flush()}catch(error){if(!(error instanceof ValueFault)&&!(error instanceof SyntaxError))throw error;await target.reject(place,error.message)}}}function typesOf({
plan}){return Object.entries(plan.types??{}).map(([path,type])=>[path.split("."),type])}async function importLowdb(work,path,others){const add2=adder(work);let current;
const step=(at,isArray,first)=>{if(at.length===0)return isArray?"whole":"into";if(at.length>1||!isArray||first!==BRACE)return"whole";return work.wants(String(at[0]))?
"into":"skip"};await scanned(work,work.source(path),step,async({path:at,bytes},place)=>{if(at.length===0)return work.reject(place,"the file of lowdb is an objec\
t; the format json reads arrays");if(at.length===2)return add2(current=await work.target(path,String(at[0])),bytes,place);if(work.wants(others))await addEntry(current=
await work.target(path,others),String(at[0]),bytes,place)},()=>current?.counts)}async function addEntry(target,key,bytes,place){const line=inOneLine(bytes);if(line===
void 0)return target.reject(place,"a line break stands within a text");const start=Buffer.from(`{"_id":${JSON.stringify(key)},"value":`);if(target.add(Buffer.concat(
[start,line,Buffer.from("}")]),place))await target.flush()}async function importStore(work,path,collection){const target=await work.target(path,collection);const types=typesOf(
work);const text2=decrypted(work,path);const source=work.source(path);const pieces={path,isCompressed:false,text:text2===void 0?()=>source.text():async function*(){
yield text2}};await scanned(work,pieces,at=>at.length===0?"into":"whole",async({path:at,bytes},place)=>{if(typeof at[0]!=="string")return work.reject(place,"the\
 file of electron-store is an object; the format json reads arrays",target.counts);if(at[0]==="__internal__")return work.report.note("__internal__, what the lib\
rary keeps for itself, was left out");const own2=types.filter(([[first]])=>first===at[0]);if(own2.length===0)return addEntry(target,at[0],bytes,place);try{const document={
[at[0]]:JSON.parse(textOf(bytes))};withTypes(document,own2);if(target.add(lineOf({_id:at[0],value:document[at[0]]},void 0,true),place))await target.flush()}catch(error){
if(!(error instanceof ValueFault)&&!(error instanceof SyntaxError))throw error;await target.reject(place,error.message)}},()=>target.counts)}var SALT_BYTES=16;var TAG_BYTES=16;
function decrypted({plan},path){const{encryptionKey,encryptionAlgorithm="aes-256-cbc"}=plan;const bytes=(0,import_node_fs3.readFileSync)(path);const isText=/^\s*\{[\t\n\r -~\u0080-\u00ff]*$/.
test(bytes.subarray(0,SALT_BYTES).toString("latin1"))&&(0,import_node_buffer3.isUtf8)(bytes);if(isText||bytes[SALT_BYTES]!==58)return void 0;if(encryptionKey===
void 0)throw new import_errors5.MoltenError("KEY_REQUIRED",`${WHERE}: ${path} is encrypted; give the encryptionKey of the store as the option encryptionKey`);const initial=bytes.
subarray(0,SALT_BYTES);const rest=bytes.subarray(SALT_BYTES+1);const isSealed=encryptionAlgorithm==="aes-256-gcm";for(const salt of[initial,initial.toString()]){
try{const key=(0,import_node_crypto2.pbkdf2Sync)(encryptionKey,salt,1e4,32,"sha512");const decipher=(0,import_node_crypto2.createDecipheriv)(encryptionAlgorithm,
key,initial);if(isSealed)decipher.setAuthTag(rest.subarray(-TAG_BYTES));const text2=Buffer.concat([decipher.update(isSealed?rest.subarray(0,-TAG_BYTES):rest),decipher.
final()]);if(/^\s*\{/.test(text2.subarray(0,100).toString()))return text2}catch{}}throw new import_errors5.MoltenError("WRONG_KEY",`${WHERE}: the encryptionKey \
does not open ${path}, or its encryptionAlgorithm is not ${encryptionAlgorithm}`)}var import_limits5=__toESM(require_limits());async function importLines(work,path,collection){const target=await work.target(path,collection);const source=work.source(path);await eachLine(source,target,async(line,place)=>{
if(target.add(line.bytes,place))await target.flush()})}async function eachLine(source,target,take){let next={line:1,offset:0};try{for await(const lines of linesOf(
source)){for(const line of lines){next={line:line.line+1,offset:line.offset+line.length};const place=placeOf2(source,line);if(line.bytes.length===0&&line.length>
2)await target.reject(place,`the line is longer than ${import_limits5.MAX_LINE_BYTES>>20} MiB; a document has at most 16 MiB`);else await take(line,place)}}}catch(error){
if(!(error instanceof SourceDamage))throw error;await target.reject({file:source.path,line:next.line,offset:source.isCompressed?null:next.offset,length:0},`${error.
message}; nothing after it can be read`)}}function placeOf2(source,{line,offset,length,bytes}){return{file:source.path,line,offset:source.isCompressed?null:offset,
length,bytes}}var import_node_fs4=require("node:fs");var import_errors6=__toESM(require_errors());function isNoName(collection){return faultOf(collection)!==void 0}async function createIndex(work,home,counts,key,options){if(work.plan.indexes===false||isNoName(
counts.collection))return;work.limit.check();try{await home.collection(counts.collection).createIndex(key,options);counts.indexes+=1}catch(error){if(!import_errors6.MoltenError.
isMoltenError(error)?!(error instanceof TypeError):["CLOSED","IO","STORAGE_FULL","STORAGE_POISONED","READ_ONLY"].includes(error.kind))throw error;work.report.note(
`the index ${JSON.stringify(key)} of ${counts.collection} was not made: ${error.message.replace(/^.*?createIndex: /s,"")}`)}}var FIELDS=["name","uniqueNames","binaryIndices","ttl","DynamicViews","dynamicViews"];var DELIMITER="$<";async function importLoki(work,path){const collections=[];
let current;let isKnown=true;const names=new Map;const step=(at,isArray)=>{if(at.length===0||at.length===1&&at[0]==="collections"&&isArray||at.length===2&&at[0]===
"collections")return"into";if(at[0]!=="collections")return"skip";if(at.length===3&&at[2]==="data"&&isArray){const name=names.get(at[1]);isKnown&&=name!==void 0;
return name!==void 0&&work.wants(name)?"into":"skip"}return at.length>3||FIELDS.includes(String(at[2]))?"whole":"skip"};await scanned(work,work.source(path),step,
async({path:at,bytes},place)=>{if(at[0]!=="collections"||at.length<3)return;const index=at[1];current=index;if(at.length===3)return field(work,path,collections,
index,String(at[2]),bytes);const loaded=collections[index];if(loaded===void 0)return;loaded.hasDocuments=true;await add(work,loaded.target,bytes,place)},()=>current===
void 0?void 0:collections[current]?.target.counts,(at,bytes)=>{if(at.length===3&&at[0]==="collections"&&at[2]==="name")names.set(at[1],nameIn(bytes))});if(!isKnown)
work.report.note("a collection has its documents before its name, which no release of LokiJS writes; they were left out");if(collections.length===0)await work.reject(
{file:path,line:1,offset:0,length:0},"it has no collections; is it a file of LokiJS?");for(const[index,loaded]of collections.entries()){if(loaded===void 0)continue;
if(!loaded.hasDocuments)await part(work,path,index,loaded);await loaded.target.flush();await indexesOf(work,loaded)}}function nameIn(bytes){try{return String(JSON.
parse(bytes.toString()))}catch{return""}}async function field(work,path,collections,index,name,bytes){let value;try{value=JSON.parse(textOf(bytes))}catch(error){
return work.reject({file:path,line:1,offset:null,length:bytes.length,bytes},`the ${name} of a collection cannot be read: ${error.message}`)}if(name==="name"){collections[index]=
work.wants(String(value))?{name:String(value),target:await work.target(path,String(value)),uniqueNames:[],indices:[],hasDocuments:false}:void 0;return}const loaded=collections[index];
if(loaded===void 0||value===null)return;if(name==="uniqueNames"&&Array.isArray(value))loaded.uniqueNames=value.map(String);if(name==="binaryIndices"&&typeof value===
"object")loaded.indices=Object.keys(value);if(name==="ttl"&&typeof value==="object"&&value.age)work.report.note(`documents of ${loaded.name} expired after ${value.
age} ms; a TTL index on a field with a date does that here`);if(name.toLowerCase()==="dynamicviews"&&Array.isArray(value)&&value.length>0){work.report.note(`the\
 dynamic views of ${loaded.name} were left out: ${value.map(view=>String(view.name)).join(", ")}; createCollection(name, { viewOn, pipeline }) makes a view`)}}async function add(work,target,bytes,place){
try{const document=JSON.parse(textOf(bytes));if(typeof document!=="object"||document===null||Array.isArray(document))throw new SyntaxError("the document is no o\
bject");const{idField,keepMeta}=work.plan;const isNamed=Object.hasOwn(document,"_id")||idField!==void 0&&Object.hasOwn(document,idField);const{$loki}=document;if(keepMeta!==
true){delete document["$loki"];delete document["meta"]}withTypes(document,typesOf(work));const line=lineOf(isNamed||$loki===void 0?document:{_id:$loki,...document});
if(target.add(line,place))await target.flush()}catch(error){if(!(error instanceof ValueFault)&&!(error instanceof SyntaxError))throw error;await target.reject(place,
error.message)}}async function part(work,path,index,{name,target}){const file=`${path}.${index}`;if(!(0,import_node_fs4.existsSync)(file)){if((0,import_node_fs4.existsSync)(
`${file}.0`))work.report.note(`${name} has no documents here, and ${file}.0 is there: an adapter that pages wrote it. Save the database once with the default ad\
apter, and import that file`);return}work.expect(entryAt(WHERE,file).bytes);await eachLine(work.source(file),target,async(line,place)=>{const{bytes}=line;const text2=bytes.
subarray(bytes.length-DELIMITER.length).toString()===DELIMITER?bytes.subarray(0,-DELIMITER.length):bytes;if(text2.length>0)return add(work,target,text2,place);if(target.
add("",place))await target.flush()})}async function indexesOf(work,{target,uniqueNames,indices}){for(const path of uniqueNames)await createIndex(work,work.home,
target.counts,{[path]:1},{unique:true,sparse:true});for(const path of indices)if(!uniqueNames.includes(path))await createIndex(work,work.home,target.counts,{[path]:1},
{})}async function importNedb(work,path,collection){work.expect(entryAt(WHERE,path).bytes);const target=await work.target(path,collection);const newest=new Map;const indexes=new Map;
await eachLine(work.source(path),quiet(target),async line=>{const entry=parsed(line);if(entry===void 0)return;const id=idOf(entry);if(id!==void 0){if(entry.$$deleted===
true)newest.delete(id);else newest.set(id,line.line)}else if(typeof entry.$$indexCreated?.fieldName==="string"){indexes.set(entry.$$indexCreated.fieldName,entry.
$$indexCreated)}else if(typeof entry.$$indexRemoved==="string"){indexes.delete(entry.$$indexRemoved)}});await eachLine(work.source(path),target,async(line,place)=>{
const text2=line.bytes.toString().trim();if(text2==="")return number(target,place);let entry;try{entry=JSON.parse(textOf(line.bytes));if(typeof entry!=="object"||
entry===null||Array.isArray(entry))throw new SyntaxError("the line is no object")}catch(error){const cut2=line.isEnded?"":": the last write was cut off";const hook=/^[{[]/.
test(text2)?"":"; a hook of the program (afterSerialization) may have changed the lines";if(cut2!=="")return torn(work,target,place,`${error.message}${cut2}`);return target.
reject(place,`${error.message}${hook}`)}const id=idOf(entry);if(id===void 0){if(entry.$$indexCreated!==void 0||entry.$$indexRemoved!==void 0)return number(target,
place);return target.reject(place,"the line has neither an _id nor anything about an index")}if(newest.get(id)!==line.line)return number(target,place);try{if(target.
add(lineOf(entry,revive),place))await target.flush()}catch(error){if(!(error instanceof ValueFault))throw error;await target.reject(place,error.message)}});await target.
flush();for(const[field2,{unique,sparse,expireAfterSeconds}]of indexes)await indexOf(work,target.counts,field2,{unique,sparse,expireAfterSeconds})}async function number(target,place){
if(target.add("",place))await target.flush()}async function torn(work,target,place,message){work.report.reject(place,{kind:"BAD_DOCUMENT",message},target.counts)}
function quiet(target){return{...target,reject:async()=>{}}}function parsed(line){try{const entry=JSON.parse(textOf(line.bytes));return typeof entry==="object"&&
entry!==null?entry:void 0}catch{return void 0}}function idOf({_id}){return _id?JSON.stringify(_id):void 0}function revive(object){if(!Object.hasOwn(object,"$$da\
te"))return object;const date=new Date(object["$$date"]);if(Number.isNaN(date.getTime()))throw new ValueFault(`$$date holds ${JSON.stringify(object["$$date"])},\
 which is no time`);return date}async function indexOf(work,counts,field2,{unique,sparse,expireAfterSeconds}){const key={};for(const path of field2.split(","))put(
key,path,1);const options={...unique===true&&{unique:true},...sparse===true&&{sparse:true},...typeof expireAfterSeconds==="number"&&{expireAfterSeconds}};await createIndex(
work,work.home,counts,key,options)}var import_node_zlib3=require("node:zlib");var import_node_fs5=require("node:fs");var import_node_path2=require("node:path");var import_node_zlib2=require("node:zlib");var import_errors7=__toESM(require_errors());var import_object_id=__toESM(require_object_id());var OPTIONS=["capped","size","max","validator","validationLevel","validationAction","viewOn","pipeline","changeStreamPreAndPostImages"];var NOTHING=new Set(["au\
toIndexId","flags","uuid","idIndex","create"]);var OF_SERVERS=new Set(["v","ns","key","background","safe","dropDups"]);function metadataOf(text2){if(text2.trim()===
"")return{};const metadata=plain2(JSON.parse(text2));if(typeof metadata!=="object"||metadata===null||Array.isArray(metadata))throw new SyntaxError("it is no obj\
ect");return metadata}function plain2(value){if(Array.isArray(value))return value.map(plain2);if(typeof value!=="object"||value===null)return value;const entries=Object.
entries(value);const[key,content]=entries[0]??[];if(entries.length===1&&key!==void 0){if(["$numberInt","$numberLong","$numberDouble"].includes(key)&&typeof content===
"string")return Number(content);if(key==="$oid"&&/^[\da-f]{24}$/i.test(String(content)))return new import_object_id.ObjectId(String(content));if(key==="$date")return new Date(
typeof content==="string"?content:Number(content?.$numberLong));if(key==="$regularExpression")return regexOf(content)}const object={};for(const[name,field2]of entries)
put(object,name,plain2(field2));return object}function regexOf({pattern,options}){try{return new RegExp(String(pattern),String(options??"").replace(/[^ims]/g,""))}catch{
return{$regex:String(pattern),$options:String(options??"")}}}async function createCollection(work,home,name,{options={},type}){const isView=options["viewOn"]!==
void 0;const fault=faultOf(name);if(fault!==void 0){work.report.note(`${name} was not made: ${fault}`);return isView}if(type==="timeseries"||options["timeseries"]!==
void 0)work.report.note(`${name} is a time series, which there is none of here`);const[there]=await home.listCollections({name},{nameOnly:true}).toArray();if(there!==
void 0){if(isView!==(there.type==="view"))work.report.note(`${name} is ${isView?"a view":"a collection"} in the dump and not here; it stays as it is`);return isView||
there.type==="view"}const own2=Object.fromEntries(Object.entries(options).filter(([option])=>OPTIONS.includes(option)));const others=Object.keys(options).filter(
option=>!OPTIONS.includes(option)&&!NOTHING.has(option)&&option!=="timeseries");if(others.length>0)work.report.note(`${name} had the ${others.length===1?"option":
"options"} ${others.join(", ")}, which ${others.length===1?"was":"were"} left out`);if(own2["capped"]!==true)for(const option of["capped","size","max"])delete own2[option];
try{await home.createCollection(name,own2)}catch(error){work.report.note(`${name} was made without its options: ${error.message}`);if(!isView)await home.createCollection(
name,{})}return isView}async function createIndexes(work,home,counts,{indexes=[]}){for(const index of indexes){const{key}=index;if(key===void 0||Object.keys(key).
length===1&&Object.hasOwn(key,"_id"))continue;const fields=Object.fromEntries(Object.entries(key).map(([path,order])=>[path,order===true?1:order]));await createIndex(
work,home,counts,fields,Object.fromEntries(Object.entries(index).filter(([name])=>!OF_SERVERS.has(name))))}}var OWN_DATABASES=new Set(["admin","config","local"]);
function isOfServer(collection){return collection.startsWith("system.")}var BSON=/\.bson(\.gz)?$/;var METADATA=/\.metadata\.json(\.gz)?$/;var OTHERS=new Set(["oplog.bson","oplog.bson.gz","prelude.json","prelude.json.gz"]);var MAX_DOCUMENT=(16<<
20)+(16<<10);var MAX_METADATA=64<<20;async function importFolder(work,path){const entries=entriesOf(path);const parts=entries.some(({name})=>BSON.test(name)&&!OTHERS.
has(name))||entries.some(({name})=>METADATA.test(name))?await partsOf(work,path,work.home):(await Promise.all(entries.filter(({name,isDirectory})=>isDirectory&&
holdsCollections((0,import_node_path2.join)(path,name))).map(({name})=>{if(!OWN_DATABASES.has(name))return partsOf(work,(0,import_node_path2.join)(path,name),name===
work.home.databaseName?work.home:work.home.sibling(name));work.report.note(`the database ${name}, which a server keeps for itself, was left out`);return[]}))).flat();
if(entries.some(({name})=>name.startsWith("oplog.bson")))work.report.note("oplog.bson was left out: what was written while the dump was made is not in it");if(parts.
length===0)throw new import_errors7.MoltenError("IO",`${WHERE}: there is no dump in ${path}: neither files of BSON nor directories with such`,{file:path});for(const{
data}of parts)if(data!==void 0)work.expect(entryAt(WHERE,data).bytes);const views=[];for(const part2 of parts){if(part2.metadata.options?.["viewOn"]===void 0)await importPart(
work,part2);else views.push(part2)}for(const{home,collection,metadata}of views)await createCollection(work,home,collection,metadata)}function entriesOf(path){try{
return(0,import_node_fs5.readdirSync)(path,{withFileTypes:true}).map(entry=>({name:entry.name,isDirectory:entry.isDirectory()})).toSorted((a,b)=>a.name<b.name?-1:
1)}catch(error){throw unreadable(path,error,WHERE)}}async function partsOf(work,path,home){const parts=new Map;for(const{name,isDirectory}of entriesOf(path)){if(isDirectory||
OTHERS.has(name)||!(BSON.test(name)||METADATA.test(name)))continue;const stem=name.replace(METADATA,"").replace(BSON,"");const file=(0,import_node_path2.join)(path,
name);const part2=parts.get(stem)??{home,collection:nameOf(stem),metadata:{}};parts.set(stem,part2);if(!METADATA.test(name)){part2.data=file;continue}try{part2.
metadata=metadataOf(textAt(file));if(typeof part2.metadata.collectionName==="string")part2.collection=part2.metadata.collectionName}catch(error){await work.reject(
{file,line:1,offset:0,length:0},`the options and indexes cannot be read: ${error.message}`,work.report.of(home.databaseName,part2.collection))}}return[...parts.
values()].filter(({collection})=>{if(isOfServer(collection))work.report.note(`${collection}, which a server keeps for itself, was left out`);return!isOfServer(collection)&&
work.wants(collection)})}function nameOf(stem){try{return decodeURIComponent(stem)}catch{return stem}}function textAt(file){const bytes=(0,import_node_fs5.readFileSync)(
file);return(bytes[0]===31&&bytes[1]===139?(0,import_node_zlib2.gunzipSync)(bytes,{maxOutputLength:MAX_METADATA}):bytes).toString("utf8")}async function importPart(work,{
home,collection,data,metadata}){if(await createCollection(work,home,collection,metadata))return;const target=await work.target(data??collection,collection,{home,
bson:true});if(data!==void 0)await addDocuments(target,work.source(data));await target.flush();await createIndexes(work,home,target.counts,metadata)}async function importBson(work,path,collection){
const beside=path.replace(BSON,".metadata.json");const metadata=[beside,`${beside}.gz`].find(file=>beside!==path&&(0,import_node_fs5.existsSync)(file));let known={};
if(metadata!==void 0){try{known=metadataOf(textAt(metadata))}catch(error){await work.reject({file:metadata,line:1,offset:0,length:0},`the options and indexes ca\
nnot be read: ${error.message}`)}}await importPart(work,{home:work.home,collection,data:path,metadata:known})}async function addDocuments(target,source){let rest=Buffer.
alloc(0);let offset=0;let number2=1;const place=(length,bytes)=>({file:source.path,line:number2,offset:source.isCompressed?null:offset,length,...bytes&&{bytes}});
try{let pending=[];let size=0;let needed=4;for await(const piece of source.pieces()){pending.push(piece);size+=piece.length;if(size<needed)continue;rest=Buffer.
concat(pending);let at=0;for(;;){needed=4;if(rest.length-at<4)break;needed=lengthAt(rest,at);if(rest.length-at<needed)break;const bytes=rest.subarray(at,at+needed);
if(target.add(bytes,place(needed,bytes)))await target.flush();at+=needed;offset+=needed;number2+=1}rest=rest.subarray(at);pending=[rest];size=rest.length}rest=Buffer.
concat(pending);if(rest.length>0)throw new SourceDamage(`the file ends after ${rest.length} bytes of a document`)}catch(error){if(!(error instanceof SourceDamage))
throw error;await target.reject(place(rest.length),`${error.message}; nothing after it can be read`)}}function lengthAt(bytes,at){const length=bytes.readInt32LE(
at);if(length<5||length>MAX_DOCUMENT)throw new SourceDamage(`a document says ${length} bytes; it has 5 to ${MAX_DOCUMENT}`);return length}function holdsCollections(path){
return entriesOf(path).some(({name,isDirectory})=>!isDirectory&&(BSON.test(name)||METADATA.test(name)))}function isDump(path){const entries=entriesOf((0,import_node_path2.resolve)(
path));return holdsCollections(path)||entries.some(({name,isDirectory})=>isDirectory&&holdsCollections((0,import_node_path2.join)(path,name)))}var import_errors8=__toESM(require_errors());var DOUBLE=1;var TEXT=2;var BOOLEAN=8;var INT=16;var LONG=18;function readHead(bytes){const head={};let at=4;while(at<bytes.length-1){const type=bytes.readUInt8(
at);const end=bytes.indexOf(0,at+1);if(end<0)throw new RangeError("a key does not end");const key=bytes.toString("utf8",at+1,end);at=end+1;switch(type){case TEXT:{
const length=bytes.readInt32LE(at);if(length<1||at+4+length>bytes.length)throw new RangeError(`a text says ${length} bytes`);head[key]=bytes.toString("utf8",at+
4,at+3+length);at+=4+length;break}case BOOLEAN:head[key]=bytes.readUInt8(at)===1;at+=1;break;case INT:head[key]=bytes.readInt32LE(at);at+=4;break;case LONG:head[key]=
bytes.readBigInt64LE(at);at+=8;break;case DOUBLE:head[key]=bytes.readDoubleLE(at);at+=8;break;default:throw new RangeError(`the type ${type} does not stand in a\
 head`)}}return head}function writeHead(head){const parts=[Buffer.alloc(4)];for(const[key,value]of Object.entries(head)){const name=Buffer.from(`${key}\0`);if(typeof value===
"string"){const text2=Buffer.from(`${value}\0`);const length=Buffer.alloc(4);length.writeInt32LE(text2.length);parts.push(Buffer.from([TEXT]),name,length,text2)}else if(typeof value===
"boolean"){parts.push(Buffer.from([BOOLEAN]),name,Buffer.from([value?1:0]))}else{const number2=Buffer.alloc(typeof value==="bigint"?8:4);if(typeof value==="bigi\
nt")number2.writeBigInt64LE(value);else number2.writeInt32LE(value);parts.push(Buffer.from([typeof value==="bigint"?LONG:INT]),name,number2)}}parts.push(Buffer.
alloc(1));const all2=Buffer.concat(parts);all2.writeInt32LE(all2.length);return all2}var table;function tableOf(){if(table!==void 0)return table;const[low,high]=[
new Uint32Array(256),new Uint32Array(256)];for(let byte=0;byte<256;byte++){let value=BigInt(byte);for(let bit=0;bit<8;bit++)value=value&1n?value>>1n^0xc96c5795d7870f42n:
value>>1n;low[byte]=Number(value&0xffffffffn);high[byte]=Number(value>>32n)}return table={low,high}}var Crc64=class{#low=4294967295;#high=4294967295;add(bytes){
const{low,high}=tableOf();let[l,h]=[this.#low,this.#high];for(let at=0;at<bytes.length;at++){const index=(l^bytes[at])&255;l=(l>>>8|h<<24)^low[index];h=h>>>8^high[index]}
this.#low=l;this.#high=h}get value(){return BigInt.asIntN(64,BigInt(~this.#high>>>0)<<32n|BigInt(~this.#low>>>0))}};var MAGIC=Buffer.from([109,226,153,129]);async function importArchive(work,path){const source=work.source(path);const blocks=new Blocks(source);const opened=new Map;
const views=[];const left=new Set;try{if(!(await blocks.take(4))?.equals(MAGIC))throw new import_errors8.MoltenError("BAD_DOCUMENT",`${WHERE}: ${path} is no arc\
hive of mongodump`,{file:path});await blocks.next();for(let bytes=await blocks.next();bytes!==void 0;bytes=await blocks.next())await prepare(work,path,headOf2(bytes),
opened,views,left);while(await block(work,blocks,opened,left))work.limit.check()}catch(error){if(!(error instanceof SourceDamage))throw error;const place={file:path,
line:blocks.documents+1,offset:source.isCompressed?null:blocks.offset,length:0};await work.reject(place,`${error.message}; nothing after it can be read`)}finally{
await blocks.close()}for(const{target,home,metadata,hasEnded}of opened.values()){await target.flush();if(!hasEnded)work.report.note(`${target.counts.collection}\
 does not end in the archive; documents are missing`);await createIndexes(work,home,target.counts,metadata)}for(const{home,collection,metadata}of views)await createCollection(
work,home,collection,metadata)}var keyOf=({db,collection})=>`${String(db)}\0${String(collection)}`;async function prepare(work,path,head,opened,views,left){const[
db,collection]=[String(head["db"]),String(head["collection"])];if(db===""||OWN_DATABASES.has(db)||isOfServer(collection)){work.report.note(`${db===""?collection:
`${db}.${collection}`}, which a server keeps for itself, was left out`);left.add(keyOf(head));return}if(!work.wants(collection)){left.add(keyOf(head));return}const home=db===
work.home.databaseName?work.home:work.home.sibling(db);let metadata={};try{metadata=metadataOf(String(head["metadata"]??""))}catch(error){await work.reject({file:path,
line:1,offset:null,length:0},`the options and indexes of ${collection} cannot be read: ${error.message}`,work.report.of(db,collection))}if(metadata.options?.["v\
iewOn"]!==void 0){views.push({home,collection,metadata});left.add(keyOf(head));return}if(await createCollection(work,home,collection,metadata)){left.add(keyOf(head));
return}opened.set(keyOf(head),{target:await work.target(path,collection,{home,bson:true}),home,metadata,crc:new Crc64,documents:0,hasEnded:false})}async function block(work,blocks,opened,left){
const bytes=await blocks.next(true);if(bytes===void 0)return false;const head=headOf2(bytes);const current=opened.get(keyOf(head));if(current===void 0&&!left.has(
keyOf(head)))throw new SourceDamage(`the collection ${String(head["db"])}.${String(head["collection"])} is not in the head of the archive`);for(let document=await blocks.
next();document!==void 0;document=await blocks.next()){if(current===void 0)continue;current.crc.add(document);current.documents+=1;const place={file:`${blocks.path}\
#${current.target.counts.collection}`,line:current.documents,offset:blocks.isCompressed?null:blocks.offset-document.length,length:document.length,bytes:document};
if(current.target.add(document,place))await current.target.flush()}if(current!==void 0&&head["EOF"]===true){current.hasEnded=true;await current.target.flush();if(BigInt(
head["CRC"])!==current.crc.value){await work.reject({file:blocks.path,line:current.documents,offset:null,length:0},`the checksum of ${current.target.counts.collection}\
 is wrong: the archive is damaged within its documents`,current.target.counts)}}return true}function headOf2(bytes){try{return readHead(bytes)}catch(error){throw new SourceDamage(
`a head cannot be read: ${error.message}`)}}var Blocks=class{constructor(source){this.source=source;this.#pieces=source.pieces()}source;documents=0;offset=0;#pieces;#rest=Buffer.
alloc(0);get path(){return this.source.path}get isCompressed(){return this.source.isCompressed}async take(length){if(this.#rest.length<length){const parts=[this.#rest];
let size=this.#rest.length;while(size<length){const{value,done}=await this.#pieces.next();if(done)break;parts.push(value);size+=value.length}this.#rest=Buffer.concat(
parts)}if(this.#rest.length===0)return void 0;if(this.#rest.length<length)throw new SourceDamage(`the file ends where ${length} bytes should follow, and ${this.#rest.
length} do`);const taken=this.#rest.subarray(0,length);this.#rest=this.#rest.subarray(length);this.offset+=length;return taken}async next(mayEnd=false){const head=await this.
take(4);if(head===void 0){if(mayEnd)return void 0;throw new SourceDamage("the file ends within a block")}if(head.readInt32LE(0)===-1){if(mayEnd)throw new SourceDamage(
"a mark stands where a block should begin");return void 0}const length=lengthAt(head,0);const rest=await this.take(length-4);if(rest===void 0)throw new SourceDamage(
"the file ends within a document");this.documents+=1;return Buffer.concat([head,rest])}async close(){await this.#pieces.return()}};var HEAD=64<<10;var FORMATS=["ndjson","mongoexport","json","csv","nedb","lokijs","lowdb","electron-store","bson","mongodump"];async function guessed(path,isDirectory){
if(isDirectory)return isDump(path)?"mongodump":void 0;const head=await unzipped(await headOf(path,HEAD));if(head.subarray(0,MAGIC.length).equals(MAGIC))return"m\
ongodump";const ending=/\.([a-z\d]+)(?:\.gz)?$/i.exec(path)?.[1]?.toLowerCase();switch(ending){case"bson":return"bson";case"csv":case"tsv":return"csv";case"ndjs\
on":case"jsonl":return"ndjson";case"nedb":return"nedb";default:return ofText(head.toString("utf8").replace(/^\ufeff/,""),ending==="json")}}function ofText(text2,isJson){
if(/^\s*\{"filename":"(?:[^"\\]|\\.)*","collections":\[/.test(text2))return"lokijs";if(/^\{.*\}$/m.test(text2)&&/^\{"\$\$index(Created|Removed)":/m.test(text2))
return"nedb";if(!isJson)return void 0;if(/^\s*\[/.test(text2))return"json";const lines=text2.split(/\r?\n/);const[first,second]=lines;return lines.length>2&&isObject(
first)&&isObject(second)?"ndjson":void 0}function isObject(text2){try{const value=JSON.parse(text2??"");return typeof value==="object"&&value!==null&&!Array.isArray(
value)}catch{return false}}async function unzipped(head){if(head[0]!==31||head[1]!==139)return head;try{return(0,import_node_zlib3.gunzipSync)(head,{finishFlush:2,
maxOutputLength:HEAD*64})}catch{return Buffer.alloc(0)}}var TYPES=["string","number","long","boolean","date","objectId"];var ALGORITHMS=["aes-256-cbc","aes-256-gcm","aes-256-ctr"];var ONLY={collection:["ndjson","mong\
oexport","json","csv","nedb","lowdb","electron-store","bson"],collections:["lokijs","lowdb","mongodump"],types:["csv","json","lokijs","lowdb","electron-store"],
indexes:["nedb","lokijs","bson","mongodump"],infer:["csv"],separator:["csv"],header:["csv"],keepMeta:["lokijs"],encryptionKey:["electron-store"],encryptionAlgorithm:[
"electron-store"]};function importFile(connection,home,path,given){return connection.told(WHERE,given?.signal,()=>run(connection,home,path,given))}async function run(connection,home,given,options){
const path=(0,import_open_options.filePathOf)(given,"path",WHERE);const plan=planOf(options);connection.checkOpen(WHERE);plan.signal?.throwIfAborted();const{isDirectory,
bytes}=entryAt(WHERE,path);const format=plan.format??await guessed(path,isDirectory);if(format===void 0){const what=isDirectory?`${path} is a directory without \
a dump`:`what ${path} is cannot be told from its name and its start`;throw new TypeError(`${WHERE}: ${what}; give the option format: ${FORMATS.join(", ")}`)}for(const[
name,formats]of Object.entries(ONLY)){if(plan[name]!==void 0&&!formats.includes(format))throw new TypeError(`${WHERE}: option ${name} is of no use for ${format}\
; it is of ${formats.join(", ")}`)}if(isDirectory&&format!=="mongodump")throw new import_errors9.MoltenError("IO",`${WHERE}: ${path} is a directory, and ${format}\
 is a file`,{file:path});const work=new Work(connection,home,plan,plan.rejects===void 0?void 0:(0,import_open_options.filePathOf)(plan.rejects,"option rejects",
WHERE));work.expect(bytes);try{await read(work,path,format,isDirectory);await work.flush();return work.report.result(format)}catch(error){throw plan.signal?.aborted?
plan.signal.reason:error}finally{work.limit.end();work.report.close()}}async function read(work,path,format,isDirectory){const collection=()=>work.plan.collection??
named(path);switch(format){case"ndjson":case"mongoexport":return importLines(work,path,collection());case"json":return importJson(work,path,collection());case"c\
sv":return importCsv(work,path,collection());case"nedb":if((0,import_node_fs6.existsSync)(`${path}~`))work.report.note(`${path}~ is there too: a compaction of N\
eDB that was interrupted. NeDB reads ${(0,import_node_path3.basename)(path)} first, as was done here`);return importNedb(work,path,collection());case"lokijs":return importLoki(
work,path);case"lowdb":return importLowdb(work,path,collection());case"electron-store":return importStore(work,path,collection());case"bson":return importBson(work,
path,work.plan.collection??decoded2(named(path)));case"mongodump":return isDirectory?importFolder(work,path):importArchive(work,path)}}function named(path){return(0,import_node_path3.basename)(
path).replace(/^\.+/,"").replace(/\..*$/s,"")||"documents"}function decoded2(name){try{return decodeURIComponent(name)}catch{return name}}function planOf(given){
const options=(0,import_option_check.optionsOf)(WHERE,given,import_option_table.DATABASE.importFile);const{format,collection,collections,ifExists="error",onError="\
stop",idField,types,separator,header,encryptionKey,encryptionAlgorithm}=options;if(format!==void 0)oneOf("format",format,FORMATS);if(collection!==void 0)(0,import_arguments2.checkCollectionName)(
WHERE,collection,"option collection");for(const name of texts("collections",collections)??[])(0,import_arguments2.checkCollectionName)(WHERE,name,"option collec\
tions");oneOf("ifExists",ifExists,["error","replace","skip"]);oneOf("onError",onError,["stop","skip"]);if(idField!==void 0&&(typeof idField!=="string"||idField===
""))throw(0,import_arguments2.wrongArgument)(WHERE,"option idField","the name of a field",idField);for(const name of["indexes","infer","keepMeta"])if(options[name]!==
void 0)(0,import_arguments2.flagOf)(WHERE,name,options[name]);if(types!==void 0){if(typeof types!=="object"||types===null||Array.isArray(types))throw(0,import_arguments2.wrongArgument)(
WHERE,"option types","an object such as { born: 'date' }",types);for(const[path,type]of Object.entries(types))oneOf(`types.${path}`,type,TYPES)}if(separator!==void 0&&
(typeof separator!=="string"||!/^[^"\r\n]$/.test(separator)||separator.charCodeAt(0)>127))throw(0,import_arguments2.wrongArgument)(WHERE,"option separator","one\
 ASCII character that is neither a quote nor a line break",separator);if(texts("header",header)?.length===0)throw new TypeError(`${WHERE}: option header names n\
o column`);if(encryptionKey!==void 0&&!(encryptionKey instanceof Uint8Array)&&(typeof encryptionKey!=="string"||encryptionKey===""))throw new TypeError(`${WHERE}\
: option encryptionKey must be a text or bytes`);if(encryptionAlgorithm!==void 0)oneOf("encryptionAlgorithm",encryptionAlgorithm,ALGORITHMS);const batchSize=options.
batchSize===void 0?import_limits6.IMPORT_BATCH:(0,import_arguments2.countOf)(WHERE,"option batchSize",options.batchSize);if(batchSize<1||batchSize>import_limits6.MAX_IMPORT_BATCH)
throw(0,import_arguments2.wrongArgument)(WHERE,"option batchSize",`1 to ${import_limits6.MAX_IMPORT_BATCH}`,batchSize);return{...options,ifExists,onError,batchSize}}
function oneOf(name,value,words){if(!words.includes(value))throw new TypeError(`${WHERE}: option ${name} must be ${words.map(word=>`'${word}'`).join(", ")}, not\
 ${(0,import_arguments2.shown)(value)}`)}function texts(name,value){if(value===void 0)return void 0;if(!Array.isArray(value)||!value.every(element=>typeof element===
"string"))throw(0,import_arguments2.wrongArgument)(WHERE,`option ${name}`,"an array of names",value);return value}var import_node_crypto3=require("node:crypto");var import_node_fs7=require("node:fs");var import_promises=require("node:fs/promises");var import_node_path4=require("node:path");
var import_promises2=require("node:stream/promises");var import_node_zlib4=require("node:zlib");var import_namespace2=__toESM(require_namespace());var import_abort=__toESM(require_abort());
var import_deadline2=__toESM(require_deadline());var import_failures2=__toESM(require_failures());var import_errors10=__toESM(require_errors());var WHERE2="Database.exportMongodump";var MARK2=Buffer.from([255,255,255,255]);var MAGIC2=Buffer.from([109,226,153,129]);async function writeDump(connection,database,home,path,options){
const{archive=false,gzip=false,collections,allDatabases=false,signal}=options;connection.checkOpen(WHERE2);signal?.throwIfAborted();if((0,import_node_fs7.existsSync)(
path))throw new import_errors10.MoltenError("IO",`${WHERE2}: ${path} exists; name another one`,{file:path});const limit=new import_deadline2.StreamLimit(WHERE2,
options);const partial=`${(0,import_node_path4.resolve)(path)}.partial-${(0,import_node_crypto3.randomBytes)(4).toString("hex")}`;let running;const result={collections:0,
documents:0,bytes:0};let sink;try{try{running=connection.native.exportLines(allDatabases?null:(0,import_namespace2.coreName)(database),collections===void 0?null:
[...collections],true)}catch(error){throw(0,import_failures2.errorOfNative)(WHERE2,error)}const first=await connection.step(WHERE2,()=>running.next());const parts=await partsOf2(
home,allDatabases,collections);result.collections=parts.length;sink=archive?new Archive(partial,gzip,parts):new Folder(partial,gzip,parts);await(0,import_abort.abortable)(
sink.begin(),limit.signal);for(let piece=first;piece!==null;piece=await connection.step(WHERE2,()=>running.next())){const{lines,documents,database:name="",collection=""}=piece;
await(0,import_abort.abortable)(sink.add(name===""?connection.database.name:name,collection,lines),limit.signal);result.documents+=documents;result.bytes+=lines.
length;options.onProgress?.({documents:result.documents,bytes:result.bytes});limit.check()}await(0,import_abort.abortable)(sink.end(),limit.signal);(0,import_node_fs7.renameSync)(
partial,path);return result}catch(error){sink?.destroy();(0,import_node_fs7.rmSync)(partial,{recursive:true,force:true});if(limit.signal?.aborted)throw limit.signal.
reason;throw ioError(path,error)}finally{limit.end();await running?.finish()}}function ioError(path,error){const{code,syscall,message}=error;if(import_errors10.MoltenError.
isMoltenError(error)||syscall===void 0)return error;return new import_errors10.MoltenError(code==="ENOSPC"?"STORAGE_FULL":"IO",`${WHERE2}: cannot write ${path}:\
 ${message}`,{file:path,cause:error})}async function partsOf2(home,allDatabases,collections){const databases=allDatabases?(await home.listDatabases({nameOnly:true})).
databases.map(({name})=>name):[home.databaseName];const parts=[];for(const db of databases){const one=db===home.databaseName?home:home.sibling(db);for(const{name,
type,options={}}of await one.listCollections().toArray()){if(collections!==void 0&&!collections.includes(name))continue;const isView=type==="view";const indexes=isView?
[]:await one.collection(name).indexes();const metadata={indexes,options,collectionName:name,type:isView?"view":"collection"};parts.push({db,collection:name,isView,
metadata:JSON.stringify(canonical(metadata,true))})}}return parts}function canonical(value,isWhole=false){if(typeof value==="number")return Number.isInteger(value)&&
Math.abs(value)<2**31?{$numberInt:String(value)}:{$numberDouble:String(value)};if(typeof value==="bigint")return{$numberLong:String(value)};if(value instanceof Date)
return{$date:{$numberLong:String(value.getTime())}};if(value instanceof RegExp)return{$regularExpression:{pattern:value.source,options:value.flags.replace(/[^ims]/g,
"")}};if(value instanceof Uint8Array)return{$binary:{base64:Buffer.from(value).toString("base64"),subType:"00"}};if(Array.isArray(value))return value.map(element=>canonical(
element));if(typeof value!=="object"||value===null)return value;const hex=value.toHexString;if(typeof hex==="function"&&!isWhole)return{$oid:value.toHexString()};
return Object.fromEntries(Object.entries(value).filter(([,content])=>content!==void 0).map(([key,content])=>[key,canonical(content)]))}var Out=class{#stream;#head;#done;constructor(path,gzip){
this.#stream=(0,import_node_fs7.createWriteStream)(path,{flags:"wx",flush:true,mode:384});this.#head=gzip?(0,import_node_zlib4.createGzip)():this.#stream;this.#done=
gzip?(0,import_promises2.pipeline)(this.#head,this.#stream):(0,import_promises2.finished)(this.#stream);this.#done.catch(()=>{})}async write(bytes){if(this.#head.
write(bytes))return;await Promise.race([new Promise(drained=>{this.#head.once("drain",()=>drained())}),this.#done])}async end(){this.#head.end();await this.#done}destroy(){
this.#head.destroy();this.#stream.destroy()}};var Folder=class{constructor(path,gzip,parts){this.path=path;this.gzip=gzip;this.parts=parts}path;gzip;parts;#current;#begun=new Set;async begin(){
(0,import_node_fs7.mkdirSync)(this.path,{mode:448});for(const{db,collection,metadata}of this.parts){(0,import_node_fs7.mkdirSync)((0,import_node_path4.join)(this.
path,fileName(db)),{recursive:true,mode:448});const text2=Buffer.from(metadata);await(0,import_promises.writeFile)(this.#file(db,collection,"metadata.json"),this.
gzip?(0,import_node_zlib4.gzipSync)(text2):text2,{flag:"wx",flush:true,mode:384})}}#file(db,collection,ending){return(0,import_node_path4.join)(this.path,fileName(
db),`${fileName(collection)}.${ending}${this.gzip?".gz":""}`)}async add(db,collection,bytes){const name=this.#file(db,collection,"bson");if(this.#current?.name!==
name){await this.#current?.out.end();(0,import_node_fs7.mkdirSync)((0,import_node_path4.join)(this.path,fileName(db)),{recursive:true,mode:448});this.#current={
name,out:new Out(name,this.gzip)};this.#begun.add(name)}await this.#current.out.write(bytes)}async end(){await this.#current?.out.end();for(const{db,collection,
isView}of this.parts){const name=this.#file(db,collection,"bson");if(!isView&&!this.#begun.has(name))await(0,import_promises.writeFile)(name,this.gzip?(0,import_node_zlib4.gzipSync)(
""):"",{flag:"wx",flush:true,mode:384})}}destroy(){this.#current?.out.destroy()}};function fileName(name){return encodeURIComponent(name).replace(/^\.+$/,dots=>dots.
replaceAll(".","%2E"))}var Archive=class{constructor(path,gzip,parts){this.parts=parts;this.#out=new Out(path,gzip)}parts;#out;#current;#crc=new Crc64;#ended=new Set;async begin(){
await this.#out.write(MAGIC2);await this.#out.write(writeHead({concurrent_collections:1,version:"0.1",server_version:"8.0.0",tool_version:`moltendb-node ${"0.1.\
0"}`}));for(const{db,collection,isView,metadata}of this.parts)await this.#out.write(writeHead({db,collection,metadata,size:0,type:isView?"view":"collection"}));
await this.#out.write(MARK2)}async add(db,collection,bytes){if(this.#current?.db!==db||this.#current.collection!==collection){await this.#finish();this.#current=
{db,collection};this.#crc=new Crc64;await this.#out.write(writeHead({db,collection,EOF:false,CRC:0n}))}this.#crc.add(bytes);await this.#out.write(bytes)}async#finish(){
if(this.#current===void 0)return;await this.#out.write(MARK2);await this.#eof(this.#current.db,this.#current.collection,this.#crc.value);this.#current=void 0}async#eof(db,collection,crc){
this.#ended.add(`${db}\0${collection}`);await this.#out.write(writeHead({db,collection,EOF:true,CRC:crc}));await this.#out.write(MARK2)}async end(){await this.#finish();
for(const{db,collection}of this.parts)if(!this.#ended.has(`${db}\0${collection}`))await this.#eof(db,collection,0n);await this.#out.end()}destroy(){this.#out.destroy()}};var import_arguments5=__toESM(require_arguments());var import_errors13=__toESM(require_errors());var import_uuid=__toESM(require_uuid());var ID=/^_+id$/;var OTHER={__proto__:null,_key:"_id",_createdAt:"createdAt",_modifiedAt:"modifiedAt"};function storedPath(path){const dot=path.indexOf(".");const root=dot<
0?path:path.slice(0,dot);const name=OTHER[root]??(ID.test(root)?`_${root}`:root);return dot<0?name:name+path.slice(dot)}function put2(into,name,value){if(name===
"__proto__")Object.defineProperty(into,name,{value,writable:true,enumerable:true,configurable:true});else into[name]=value}function stored(document){const made={};
for(const name of Object.keys(document))put2(made,ID.test(name)?`_${name}`:name,document[name]);return made}function unstored(document){const made={};for(const name of Object.
keys(document)){if(name!=="_id")put2(made,ID.test(name)?name.slice(1):name,document[name])}return made}function own(value,name){return isNested(value)&&Object.hasOwn(
value,name)?value[name]:void 0}function isNested(value){const prototype=typeof value==="object"&&value!==null?Object.getPrototypeOf(value):void 0;return prototype===
Object.prototype||prototype===null}function only(document,paths){const made={};for(const path of paths){const parts=path.split(".");const other=Object.hasOwn(document,
parts[0])?void 0:OTHER[parts[0]];const value=(other===void 0?parts:[other,...parts.slice(1)]).reduce(own,document);if(value===void 0)continue;let into=made;for(const part2 of parts.
slice(0,-1)){const next=own(into,part2);if(!isNested(next))put2(into,part2,{});into=own(into,part2)}put2(into,parts.at(-1),value)}return made}function without(document,paths){
return paths.reduce((left,path)=>cut(left,path.split(".")),document)}function cut(document,[name,...rest]){const made={};for(const key of Object.keys(document)){
const value=document[key];if(key!==name)put2(made,key,value);else if(rest.length>0){const inner=isNested(value)?cut(value,rest):value;if(!isNested(inner)||Object.
keys(inner).length>0)put2(made,key,inner)}}return made}var import_arguments4=__toESM(require_arguments());var import_option_check3=__toESM(require_option_check());var import_errors12=__toESM(require_errors());var import_arguments3=__toESM(require_arguments());var import_option_check2=__toESM(require_option_check());var import_errors11=__toESM(require_errors());var NOTHING2={_id:{$in:[]}};var NO_ARRAY={$not:{$type:"array"}};var LONGEST=8e3;var equal=(_where,path,value)=>{if(typeof value==="string")return text(path,value,
"^","$")??{[path]:{$eq:value,...NO_ARRAY}};return{[path]:Array.isArray(value)?{$eq:value}:{$eq:value,...NO_ARRAY}}};function text(path,value,start,end){if(path===
"_id"||value.length>LONGEST||value.toLowerCase()===value.toUpperCase())return void 0;return{[path]:{$regex:start+escaped(value)+end,$options:"is",...NO_ARRAY}}}
function escaped(value){return value.replace(/[\\^$.*+?()[\]{}|#&~-]/g,"\\$&")}var anyOf=(where,path,values,name)=>{if(!Array.isArray(values))throw(0,import_arguments3.wrongArgument)(
where,name,"an array",values);const tests=[];(0,import_arguments3.eachOf)(values,value=>tests.push(equal(where,path,value)));return tests};var comparing=(operator,name)=>(where,path,value)=>{
const comparable=["number","bigint","string"].includes(typeof value)||value instanceof Date;if(!comparable)throw(0,import_arguments3.wrongArgument)(where,`${path}\
.${name}`,"a number, a text or a Date",value);const isTime=(path==="createdAt"||path==="modifiedAt")&&typeof value==="number";return{[path]:{[operator]:isTime?isoOf(
value):value,...NO_ARRAY}}};function isoOf(millis){const date=new Date(millis);if(!Number.isNaN(date.getTime()))return date.toISOString();return millis<0?"":"\u{10FFFF}"}
var TESTS={__proto__:null};function named2(names,test){for(const name of names)TESTS[name]=test(name)}named2(["$eq","$equals"],()=>equal);named2(["$ne","$notEqu\
als"],()=>(where,path,value)=>({$nor:[equal(where,path,value)]}));named2(["$gt","$greaterThan"],name=>comparing("$gt",name));named2(["$gte","$greaterThanOrEqual"],
name=>comparing("$gte",name));named2(["$lt","$lessThan"],name=>comparing("$lt",name));named2(["$lte","$lessThanOrEqual"],name=>comparing("$lte",name));named2(["\
$in","$oneOf"],name=>(where,path,values)=>some(anyOf(where,path,values,`${path}.${name}`)));named2(["$nin","$notIn"],name=>(where,path,values)=>{const tests=anyOf(
where,path,values,`${path}.${name}`);return tests.length===0?{}:{$nor:tests}});named2(["$contains","$ct"],()=>(_where,path,value)=>{const element={[path]:{$elemMatch:{
$eq:value}}};if(typeof value!=="string")return element;return{$or:[{[path]:{$regex:escaped(value),$options:"is",...NO_ARRAY}},element]}});function some(tests){return tests.
length===0?NOTHING2:tests.length===1?tests[0]:{$or:tests}}function all(tests){return tests.length===0?{}:tests.length===1?tests[0]:{$and:tests}}function filterOf(where,clause,roots,name="\
where",depth=0){if(depth>30)throw new import_errors11.MoltenError("BAD_QUERY",`${where}: ${name} is nested deeper than 30 levels; write fewer`,{path:name});if(Array.
isArray(clause))return all(clausesOf(where,clause,roots,name,depth));if(!(0,import_arguments3.isFields)(clause))throw(0,import_arguments3.wrongArgument)(where,name,
"an object of conditions",clause);const tests=[];for(const path of Object.keys(clause)){const condition=clause[path];const at=`${name}.${path}`;if(path==="$or")
tests.push(some(clausesOf(where,condition,roots,at,depth)));else if(path==="$and")tests.push(all(clausesOf(where,condition,roots,at,depth)));else if(path.startsWith(
"$"))throw unknownOperator(where,path,name,["$or","$and"]);else tests.push(...testsOf(where,path,condition,roots,at))}return all(tests)}function clausesOf(where,clauses,roots,name,depth){
if(!Array.isArray(clauses))throw(0,import_arguments3.wrongArgument)(where,name,"an array of conditions",clauses);const tests=[];(0,import_arguments3.eachOf)(clauses,
(clause,i)=>tests.push(filterOf(where,clause,roots,`${name}[${i}]`,depth+1)));return tests}function testsOf(where,name,condition,roots,at){checkPath(where,name,
at);const path=storedPath(name);roots.add(path.split(".",1)[0]);if(condition===void 0)throw(0,import_arguments3.wrongArgument)(where,at,"a value or operators",condition);
if(condition===null)return[{[path]:{$type:"null",...NO_ARRAY}}];if(!(0,import_arguments3.isFields)(condition))return[equal(where,path,condition)];if(!isNested(condition))
throw(0,import_arguments3.wrongArgument)(where,at,"a value of JSON or operators",condition);return Object.keys(condition).map(operator=>{const test=TESTS[operator];
if(test!==void 0){if(condition[operator]===void 0)throw(0,import_arguments3.wrongArgument)(where,`${at}.${operator}`,"a value",void 0);return test(where,path,condition[operator])}
if(operator.startsWith("$"))throw unknownOperator(where,operator,at,Object.keys(TESTS));throw new import_errors11.MoltenError("BAD_QUERY",`${where}: ${at} has t\
he field ${(0,import_arguments3.shown)(operator)} where operators are; write the path ${(0,import_arguments3.shown)(`${name}.${operator}`)}, or {"$eq": {...}} f\
or a whole object`,{path:at})})}function unknownOperator(where,operator,at,names){const near=(0,import_option_check2.nearest)(operator,names);const advice=near===
void 0?`there are ${names.join(", ")}`:`did you mean ${near}?`;return new import_errors11.MoltenError("BAD_QUERY",`${where}: ${at} has the unknown operator ${(0,import_arguments3.shown)(
operator)}; ${advice}`,{path:at})}function checkPath(where,path,at){if(typeof path!=="string")throw(0,import_arguments3.wrongArgument)(where,at,"the path of a f\
ield",path);if(path.split(".").some(part2=>part2===""||part2.startsWith("$"))){throw new import_errors11.MoltenError("BAD_QUERY",`${where}: ${at} is no path of \
a field: ${(0,import_arguments3.shown)(path)}; write names with dots between them`,{path:at})}}var FIELDS2={get:["collection","keys","where","fields","excludedFields","joins","sort","order","count","offset"],set:["collection","data"],update:["collection",
"data"],delete:["collection","keys","where","count","order","drop"]};var INSTEAD={__proto__:null,ttl:"a collection does not end by itself; createIndex with expi\
reAfterSeconds deletes its old documents",maxSize:"createCollection with capped, size and max makes one that keeps its newest documents",_allowed_prefixes:'ther\
e are no users; put a condition on the keys into where, as in {"_key": {"$in": [...]}}'};function payloadOf(where,payload,names){if(!isNested(payload))throw(0,import_arguments4.wrongArgument)(
where,"payload","an object",payload);for(const name of Object.keys(payload)){if(names.includes(name)||payload[name]===void 0)continue;const instead=INSTEAD[name];
if(instead!==void 0)throw new import_errors12.MoltenError("NOT_SUPPORTED",`${where}: payload.${name} is not answered; ${instead}`);const near=(0,import_option_check3.nearest)(
name,names);throw new TypeError(`${where}: the payload has the unknown field ${(0,import_arguments4.shown)(name)}; ${near===void 0?`there are ${names.join(", ")}`:
`did you mean ${(0,import_arguments4.shown)(near)}?`}`)}return payload}function collectionOf(where,{collection="default"}){(0,import_arguments4.checkCollectionName)(
where,collection,"payload.collection");return collection}function keysOf(where,{keys}){if(keys===void 0)return void 0;if(typeof keys==="string")return keys;return textsOf(
where,"keys",keys)}function textsOf(where,name,list){if(!Array.isArray(list))throw(0,import_arguments4.wrongArgument)(where,`payload.${name}`,name==="keys"?"a t\
ext or an array of texts":"an array of texts",list);for(let i=0;i<list.length;i++){if(typeof list[i]!=="string")throw(0,import_arguments4.wrongArgument)(where,`\
payload.${name}[${i}]`,"a text",list[i])}return[...list]}function pathsOf(where,name,list){if(list===void 0)return void 0;const paths=textsOf(where,name,list);paths.
forEach((path,i)=>checkPath(where,path,`payload.${name}[${i}]`));return paths}function numberOf(where,name,value){return value===void 0?void 0:value===null?refuse(
where,name,value):(0,import_arguments4.countOf)(where,`payload.${name}`,value)}function refuse(where,name,value){throw(0,import_arguments4.wrongArgument)(where,
`payload.${name}`,"a whole number, 0 or more",value)}function orderOf(where,order){if(order===void 0||order==="asc"||order==="desc")return order;throw(0,import_arguments4.wrongArgument)(
where,"payload.order","'asc' or 'desc'",order)}function sortOf(where,sort){if(sort===void 0)return[];if(!Array.isArray(sort))throw(0,import_arguments4.wrongArgument)(
where,"payload.sort","an array of fields or {field, order}",sort);return sort.map((one,i)=>{const at=`payload.sort[${i}]`;if(typeof one!=="string"&&!isNested(one))
throw(0,import_arguments4.wrongArgument)(where,at,"a field or {field, order}",one);const{field:field2,order="asc",...other}=typeof one==="string"?{field:one}:one;
const[unknown]=Object.keys(other);if(unknown!==void 0)throw new TypeError(`${where}: ${at} has the unknown field ${(0,import_arguments4.shown)(unknown)}; it has\
 field and order`);checkPath(where,field2,`${at}.field`);const direction=typeof order==="string"?order.toLowerCase():order;if(direction!=="asc"&&direction!=="de\
sc")throw(0,import_arguments4.wrongArgument)(where,`${at}.order`,"'asc' or 'desc'",order);return[storedPath(field2),direction==="asc"?1:-1]})}function joinsOf(where,joins){
if(joins===void 0)return[];if(!Array.isArray(joins))throw(0,import_arguments4.wrongArgument)(where,"payload.joins","an array of {alias: {from, on, fields}}",joins);
return joins.map((join3,i)=>{const at=`joins[${i}]`;const[alias,second]=isNested(join3)?Object.keys(join3):[];if(alias===void 0||second!==void 0)throw(0,import_arguments4.wrongArgument)(
where,`payload.${at}`,'an object with one alias, as in {"owner": {"from": "users", "on": "ownerId"}}',join3);const spec=join3[alias];if(alias.includes(".")||storedPath(
alias)!==alias)throw new TypeError(`${where}: payload.${at} has the alias ${(0,import_arguments4.shown)(alias)}; give it a name without dots that is none of Mol\
tenDB's own`);checkPath(where,alias,`payload.${at}`);if(!isNested(spec))throw(0,import_arguments4.wrongArgument)(where,`payload.${at}.${alias}`,"{from, on, fiel\
ds}",spec);const{from,on,fields,...other}=spec;const[unknown]=Object.keys(other);if(unknown!==void 0)throw new TypeError(`${where}: payload.${at}.${alias} has t\
he unknown field ${(0,import_arguments4.shown)(unknown)}; it has from, on and fields`);(0,import_arguments4.checkCollectionName)(where,from,`payload.${at}.${alias}\
.from`);checkPath(where,on,`payload.${at}.${alias}.on`);return{alias,from,on:storedPath(on),fields:pathsOf(where,`${at}.${alias}.fields`,fields)}})}var MADE="__molten_";function payloads(home){return Object.freeze({get:async payload=>get(home,"Database.molten.get",payload),set:async payload=>set(home,"Datab\
ase.molten.set",payload),update:async payload=>update(home,"Database.molten.update",payload),delete:async payload=>remove(home,"Database.molten.delete",payload)})}
async function get(home,where,given){const payload=payloadOf(where,given,FIELDS2.get);const name=collectionOf(where,payload);const keys=keysOf(where,payload);const fields=pathsOf(
where,"fields",payload["fields"]);const excluded=pathsOf(where,"excludedFields",payload["excludedFields"]);if(fields&&excluded)throw new TypeError(`${where}: pa\
yload.fields and payload.excludedFields exclude each other; give one of them`);const joins=joinsOf(where,payload["joins"]);const sort=sortOf(where,payload["sort"]);
const order=orderOf(where,payload["order"]);if(order!==void 0&&payload["sort"]!==void 0)throw new TypeError(`${where}: payload.order and payload.sort exclude ea\
ch other; give one of them`);const count=numberOf(where,"count",payload["count"]);const offset=numberOf(where,"offset",payload["offset"]);const roots=new Set;const filter=payload["\
where"]===void 0?{}:filterOf(where,payload["where"],roots);const pipeline3=[];if(keys!==void 0)pipeline3.push({$match:{_id:{$in:typeof keys==="string"?[keys]:keys}}});
const waits=joins.some(({alias})=>roots.has(alias));if(!waits)pipeline3.push({$match:filter});joins.forEach((join3,i)=>pipeline3.push(...stagesOf(join3,i)));if(waits)
pipeline3.push({$match:filter});const isOne=typeof keys==="string";if(count===0&&!isOne)return[];const isNewestFirst=sort.length===0&&order!=="asc"&&!isOne;const isCut=!isOne&&
(count!==void 0||offset!==void 0);if(sort.length>0)pipeline3.push(...sorting(sort));if(!isOne&&offset)pipeline3.push({$skip:offset});if(!isOne&&count)pipeline3.
push({$limit:count});const roots_=fields&&rootsOf(fields,joins);if(roots_)pipeline3.push({$project:roots_});const backwards=isNewestFirst&&(isCut||payload["wher\
e"]===void 0);const found=await home.collection(name).aggregate(pipeline3,backwards?{hint:{$natural:-1}}:{}).toArray();if(isNewestFirst&&!backwards)found.reverse();
const shaped=found.map(document=>shapedOf(document,fields,excluded,joins));if(!isOne)return shaped.map((document,i)=>({...document,_key:found[i]["_id"]}));return shaped[0]??
null}function stagesOf({alias,from,on},i){const joined2=`${MADE}join${i}`;return[{$lookup:{from,localField:on,foreignField:"_id",as:joined2}},{$set:{[alias]:{$cond:[
{$eq:[{$type:`$${on}`},"string"]},{$ifNull:[{$first:`$${joined2}`},`$${alias}`]},`$${alias}`]}}},{$unset:joined2}]}function sorting(sort){const made={};const by={};
sort.forEach(([path,direction],i)=>{if(Object.hasOwn(by,path))return;made[`${MADE}sort${i}`]={$lte:[`$${path}`,null]};by[`${MADE}sort${i}`]=direction;by[path]=direction});
return[{$set:made},{$sort:by},{$unset:Object.keys(made)}]}function rootsOf(fields,joins){const roots={_v:1,createdAt:1,modifiedAt:1};for(const name of[...fields.
map(path=>path.split(".",1)[0]),...joins.map(({alias})=>alias)]){if(/^_+id$|^_key$|^__proto__$/.test(name))return void 0;roots[name]=1}return roots}function shapedOf(found,fields,excluded,joins){
const document=unstored(found);for(const{alias,fields:own2}of joins){const joined2=document[alias];if(!isNested(joined2)||!Object.hasOwn(joined2,"_id"))continue;
const plain3=unstored(joined2);document[alias]=own2?only(plain3,own2):plain3}const shaped=fields?only(document,[...fields,...joins.map(({alias})=>alias)]):excluded?
without(document,excluded):document;if(Object.hasOwn(document,"_v"))shaped["_v"]=document["_v"];return shaped}var versionOf=({_v})=>typeof _v==="number"?_v:typeof _v===
"bigint"?Number(_v):0;function outdated(where,key,given,there){return new import_errors13.MoltenError("CONFLICT",`${where}: the document ${(0,import_arguments5.shown)(
key)} has the version ${there}, and the given _v is ${given}; read it again`,(0,import_errors13.numbered)("WriteConflict"))}function guardOf(where,at,{_v}){if(_v===
void 0)return void 0;if(!Number.isSafeInteger(_v)||_v<0)throw(0,import_arguments5.wrongArgument)(where,`${at}._v`,"a whole number, 0 or more",_v);return _v}function dataOf(where,data,mayBeList){
const expected=mayBeList?"an object of documents by key, or an array of documents":"an object of fields by key";const isList=mayBeList&&Array.isArray(data);if(!isList&&
!isNested(data))throw(0,import_arguments5.wrongArgument)(where,"payload.data",expected,data);const ids=isList?Array.from(data,()=>(0,import_uuid.uuidv7)()):void 0;
const keys=ids??Object.keys(data);const entries=keys.map((key,i)=>{const at=ids?`payload.data[${i}]`:`payload.data.${key}`;const document=data[ids?i:key];(0,import_arguments5.checkFields)(
where,at,document);if(key==="")throw new TypeError(`${where}: payload.data has an empty key; give each document a key`);if(Object.hasOwn(document,"_key")&&document["\
_key"]!==key)throw new TypeError(`${where}: ${at}._key is ${(0,import_arguments5.shown)(document["_key"])}, and its key is ${(0,import_arguments5.shown)(key)}; \
leave _key out`);return[key,document,at]});return ids?{entries,ids}:{entries}}async function set(home,where,given){const payload=payloadOf(where,given,FIELDS2.set);
const name=collectionOf(where,payload);const{entries,ids}=dataOf(where,payload["data"],true);await home.transaction(async tx=>{const collection=tx.collection(name);
const before=await collection.getMany(entries.map(([key])=>key));const written=[];for(const[i,[key,document,at]]of entries.entries()){const now=new Date().toISOString();
const guard=guardOf(where,at,document);const old=before[i]??void 0;const version=old&&versionOf(old);if(guard!==void 0&&version!==void 0&&guard<=version)throw outdated(
where,key,guard,version);const{_key,...fields}=stored(await extended(tx,where,at,document));const createdAt=old?.["createdAt"]??now;written.push([key,{...fields,
_v:version===void 0?guard??1:version+1,createdAt,modifiedAt:now}])}if(written.length>0)await write(where,name,collection,written)});return{status:"ok",count:entries.
length,...ids&&{ids}}}async function write(where,name,collection,written){await collection.setMany(written).catch(error=>{const own2=`${name}.setMany: `;if(error instanceof
Error&&error.message.startsWith(own2))error.message=`${where}: ${error.message.slice(own2.length)}`;throw error})}async function extended(tx,where,at,document){
const references=Object.hasOwn(document,"extends")?document["extends"]:void 0;if(!isNested(references))return document;const{extends:_,...made}=document;for(const alias of Object.
keys(references)){const reference=references[alias];const dot=typeof reference==="string"?reference.indexOf("."):-1;if(typeof reference!=="string"||dot<1)throw(0,import_arguments5.wrongArgument)(
where,`${at}.extends.${alias}`,"'collection.key'",reference);const[copied]=await tx.collection(reference.slice(0,dot)).getMany([reference.slice(dot+1)]);if(copied)
put2(made,alias,unstored(copied))}return made}async function update(home,where,given){const payload=payloadOf(where,given,FIELDS2.update);const name=collectionOf(
where,payload);const{entries}=dataOf(where,payload["data"],false);const updated=await home.transaction(async tx=>{const collection=tx.collection(name);const before=await collection.
getMany(entries.map(([key])=>key));const written=[];for(const[i,[key,changes,at]]of entries.entries()){const old=before[i];if(!old)continue;const guard=guardOf(
where,at,changes);const version=versionOf(old);if(guard!==void 0&&guard!==version)throw outdated(where,key,guard,version);const made={...old};const fields=stored(
changes);for(const field2 of Object.keys(fields)){if(!["_v","_key","createdAt"].includes(field2)&&fields[field2]!==void 0)put2(made,field2,fields[field2])}written.
push([key,{...made,_v:version+1,modifiedAt:new Date().toISOString()}])}if(written.length>0)await write(where,name,collection,written);return written.length});return{
status:"ok",updated}}async function remove(home,where,given){const payload=payloadOf(where,given,FIELDS2.delete);const name=collectionOf(where,payload);const drop=payload["\
drop"];if(drop!==void 0&&typeof drop!=="boolean")throw(0,import_arguments5.wrongArgument)(where,"payload.drop","a boolean",drop);const keys=keysOf(where,payload);
const count=numberOf(where,"count",payload["count"]);const order=orderOf(where,payload["order"]);const filter=payload["where"]===void 0?void 0:filterOf(where,payload["\
where"],new Set);const ways=[drop===true,keys!==void 0,filter!==void 0].filter(Boolean).length;if(ways>1)throw new TypeError(`${where}: payload.drop, payload.ke\
ys and payload.where exclude each other; give one of them`);if(drop===true){await home.dropCollection(name);return{status:"ok",dropped:true}}const collection=home.
collection(name);if(keys!==void 0){const{deletedCount}=await collection.deleteMany({_id:{$in:typeof keys==="string"?[keys]:keys}});return{status:"ok",deleted:deletedCount}}
if(count===void 0){if(filter===void 0)throw new TypeError(`${where}: the payload names no documents; give keys, where, count, or drop: true`);if(Object.keys(filter).
length===0)throw new TypeError(`${where}: payload.where has no condition and would delete every document; give drop: true for that, or count`);return{status:"ok",
deleted:(await collection.deleteMany(filter)).deletedCount}}if(count===0)return{status:"ok",deleted:0};const deleted=await home.transaction(async tx=>{const own2=tx.
collection(name);const pipeline3=[{$match:filter??{}},{$limit:count},{$project:{_id:1}}];const found=await own2.aggregate(pipeline3,{hint:{$natural:order==="des\
c"?-1:1}}).toArray();return found.length===0?0:(await own2.deleteMany({_id:{$in:found.map(({_id})=>_id)}})).deletedCount});return{status:"ok",deleted}}0&&(module.exports={importFile,payloads,writeDump});
return module.exports }
